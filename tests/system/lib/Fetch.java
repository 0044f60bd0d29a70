/*
 * Fetch PORT USER PASSWORD DIRECTORY KEEP [starttls|implicit CA] - every message by JavaMail, one file each
 *
 * SPDX-License-Identifier: ISC
 */
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Properties;
import javax.mail.Flags;
import javax.mail.Folder;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Store;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

public class Fetch {
	static SSLSocketFactory trusting(String ca) throws Exception {
		KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
		store.load(null);
		try (InputStream in = new FileInputStream(ca)) {
			store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
		}
		TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
		trust.init(store);
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(null, trust.getTrustManagers(), null);
		return context.getSocketFactory();
	}

	static Store store(String port, String tls, String ca) throws Exception {
		String protocol = tls.equals("implicit") ? "pop3s" : "pop3";
		String prefix = "mail." + protocol + ".";
		Properties p = new Properties();
		p.setProperty(prefix + "host", "localhost");
		p.setProperty(prefix + "port", port);
		if (!tls.isEmpty()) {
			p.put(prefix + "ssl.socketFactory", trusting(ca));
			p.setProperty(prefix + "ssl.checkserveridentity", "true");
			p.setProperty(prefix + "socketFactory.fallback", "false");
		}
		if (tls.equals("starttls")) {
			p.setProperty(prefix + "starttls.enable", "true");
			p.setProperty(prefix + "starttls.required", "true");
		}
		return Session.getInstance(p).getStore(protocol);
	}

	public static void main(String[] args) throws Exception {
		Store store = store(args[0], args.length > 5 ? args[5] : "", args.length > 6 ? args[6] : "");
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
