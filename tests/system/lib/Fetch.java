/*
 * Fetch PORT USER PASSWORD DIRECTORY KEEP - every message by JavaMail, one file each
 *
 * SPDX-License-Identifier: ISC
 */
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.util.Properties;
import javax.mail.Flags;
import javax.mail.Folder;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Store;

public class Fetch {
	public static void main(String[] args) throws Exception {
		Properties p = new Properties();
		p.setProperty("mail.pop3.host", "127.0.0.1");
		p.setProperty("mail.pop3.port", args[0]);
		Store store = Session.getInstance(p).getStore("pop3");
		store.connect(args[1], args[2]);
		Folder inbox = store.getFolder("INBOX");
		inbox.open(Folder.READ_WRITE);
		for (Message m : inbox.getMessages()) {
			String name = String.format("%s/%05d", args[3], m.getMessageNumber());
			try (OutputStream out = new FileOutputStream(name)) {
				m.writeTo(out);
			}
			if (args[4].isEmpty())
				m.setFlag(Flags.Flag.DELETED, true);
		}
		inbox.close(true);
		store.close();
	}
}
