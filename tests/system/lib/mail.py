#!/usr/bin/env python3
"""mail.py DIRECTORY - a Maildir with twelve messages as people get them, for the demonstration

Plain text, other alphabets, a picture, a newsletter, an invitation, a patch, a bounce, one as an
old program stored it.  Made anew at each run, so that the dates are of today.

SPDX-License-Identifier: ISC
"""
import pathlib
import struct
import sys
import time
import zlib
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import formatdate

POLICY = EmailPolicy(linesep="\n", max_line_length=78)
HOUR = 3600
ME = "Alice Liddell <alice@example.org>"


def message(sender, subject, text, **headers):
    mail = EmailMessage(POLICY)
    mail["From"], mail["To"], mail["Subject"] = sender, ME, subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def welcome():
    return message(
        "Postmaster <postmaster@example.org>",
        "Welcome to your new mailbox",
        "Dear Alice,\n\nyour mailbox is ready.  Whatever arrives is held for you until you call for it.\n\n"
        "-- \nThe post office at example.org\n",
    )


def german():
    return message(
        "Jürgen Weiß <juergen@beispiel.example>",
        "Grüße aus Köln, und eine Frage zur Überweisung",
        "Liebe Alice,\n\nschöne Grüße aus Köln!  Der Flug über München war verspätet, aber das Café\n"
        "am Dom hatte noch offen.  Kannst Du mir die Überweisung bestätigen (45,50 €)?\n\n"
        "Viele Grüße\nJürgen\n",
    )


def japanese():
    return message(
        "山田 太郎 <taro@rei.example>",
        "来週の打ち合わせについて",
        "アリス様\n\nお世話になっております。来週の打ち合わせは水曜日の午後三時でいかがでしょうか。\n\n山田\n"
    )


def picture():
    """a photograph, as far as a few hundred octets go"""
    width, height = 96, 64
    rows = b"".join(
        b"\0" + bytes(c for x in range(width) for c in (x * 2, y * 3, 255 - x - y)) for y in range(height)
    )

    def chunk(kind, octets):
        return struct.pack(">I", len(octets)) + kind + octets + struct.pack(">I", zlib.crc32(kind + octets))

    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )
    mail = message(
        "Dinah <dinah@example.net>",
        "The sunset I told you about",
        "See the picture.  It was even better without the camera.\n\nDinah\n",
    )
    mail.add_attachment(png, maintype="image", subtype="png", filename="sunset.png")
    return mail


def newsletter():
    mail = message(
        "The Teapot Weekly <weekly@teapot.example>",
        "☕ Teapot Weekly #418: first flush, last orders",
        "TEAPOT WEEKLY #418\n\n* First flush has landed\n* A kettle that listens\n\n"
        "Unsubscribe: https://teapot.example/out?u=418\n",
        List_Id="Teapot Weekly <weekly.teapot.example>",
        List_Unsubscribe="<https://teapot.example/out?u=418>",
        Precedence="bulk",
    )
    row = '<tr><td style="padding:8px 16px;border-bottom:1px solid #ddd">%s</td>'
    row += '<td align="right">&euro;&nbsp;%d.50</td></tr>\n'
    mail.add_alternative(
        '<!DOCTYPE html>\n<html><body style="font-family:sans-serif">\n'
        '<h1>Teapot Weekly</h1>\n<table>\n%s</table>\n'
        '<p><a href="https://teapot.example/out?u=418">Unsubscribe</a></p>\n</body></html>\n'
        % "".join(
            row % (tea, price)
            for price, tea in enumerate(("Darjeeling", "Assam", "Sencha", "Pu-erh") * 12, 7)
        ),
        subtype="html",
    )
    return mail


def dots():
    return message(
        "Cook <cook@example.org>",
        "Shopping list",
        "Flour ........ 2 kg\n....... and butter\n.\n"
        "The line above is a dot alone; it is part of the list.\n..\nSo are two.\n.pepper\n",
    )


def invitation():
    mail = message(
        "The Hatter <hatter@tea.example>",
        "Invitation: tea, always at six",
        "Tea on Thursday.  Bring your own cup.\n",
    )
    mail.add_alternative(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tea.example//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
        "UID:tea-6@tea.example\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260618T180000Z\r\nSUMMARY:Tea\r\n"
        "ORGANIZER:mailto:hatter@tea.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        subtype="calendar",
    )
    return mail


def patch():
    return message(
        "Bill Lizard <bill@hole.example>",
        "[PATCH 2/3] chimney: do not kick what comes down",
        "The callee may be a lizard.\n\nFrom here on the ladder is not needed.\n---\n chimney.c | 4 +---\n"
        " 1 file changed, 1 insertion(+), 3 deletions(-)\n\n"
        "diff --git a/chimney.c b/chimney.c\n--- a/chimney.c\n+++ b/chimney.c\n"
        "@@ -41,5 +41,3 @@ int chimney(void)\n-\tif (comes_down(who))\n-\t\tkick(who);\n"
        "-\treturn 1;\n+\treturn 0;\n-- \n2.39.5\n",
        List_Id="<hole-devel.hole.example>",
    )


def thread():
    return message(
        "Duchess <duchess@example.net>",
        "Re: Re: Fwd: the moral of it",
        "On Monday Alice wrote:\n> On Sunday the Duchess wrote:\n"
        ">> Everything's got a moral, if only you can find it.\n"
        "> And the moral of that is?\n\n"
        "Take care of the sense, and the sounds will take care of themselves.\n",
        In_Reply_To="<moral.3@example.org>",
        References="<moral.1@example.net> <moral.2@example.org> <moral.3@example.org>",
    )


def bounce():
    mail = EmailMessage(POLICY)
    mail["From"], mail["To"] = "Mail Delivery System <MAILER-DAEMON@mx.example.org>", ME
    mail["Subject"], mail["Auto-Submitted"] = "Undelivered Mail Returned to Sender", "auto-replied"
    mail["MIME-Version"] = "1.0"
    mail["Content-Type"] = 'multipart/report; report-type=delivery-status; boundary="bounce-7"'
    mail.set_payload(
        "--bounce-7\nContent-Type: text/plain\n\n"
        "I am sorry to have to tell you that your message could not be delivered.\n\n"
        "<cheshire@cat.example>: host mx.cat.example said: 550 5.1.1 vanished\n\n--bounce-7\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        "Final-Recipient: rfc822; cheshire@cat.example\nAction: failed\nStatus: 5.1.1\n\n--bounce-7--\n"
    )
    return mail


def receipt():
    mail = message(
        "Rabbit & Sons, Watchmakers <shop@watches.example>",
        "Your receipt no. 2026-0047",
        "Thank you for your order.\n\n  1 x pocket watch, two days slow     120.00\n"
        "  1 x chain                           18.50\n"
        "                                     --------\n                                       138.50\n",
    )
    mail.add_attachment(
        "item;price\npocket watch;120.00\nchain;18.50\n", subtype="csv", filename="receipt-2026-0047.csv"
    )
    return mail


def old():
    """from a program that knows neither MIME nor a last line end, and stores CRLF"""
    return (
        b"From: mouse@pool.example (The Mouse)\r\nTo: alice@example.org\r\nDate: %s\r\n"
        b"Subject: a long tale\r\n\r\n"
        b"Mine is a long and a sad tale!\r\n\r\n  Fury said to a mouse,\r\n"
        b"    That he met in the house\r\n.\r\n(to be continued)"
        % formatdate(time.time() - HOUR).encode()
    )


MAIL = (welcome, german, picture, newsletter, japanese, dots, invitation, patch, thread, bounce, receipt, old)


def octets_of(make, number, when):
    mail = make()
    if isinstance(mail, bytes):
        return mail
    mail["Date"] = formatdate(when)
    mail["Message-ID"] = "<%d.%s@example.org>" % (number, make.__name__)
    return b"Return-Path: <%s>\n" % str(mail["From"].addresses[0].addr_spec).encode() + mail.as_bytes()


def write(top):
    """the first three have been seen before, as another mail program marks it"""
    for part in ("new", "cur", "tmp"):
        (top / part).mkdir(parents=True)
    now = int(time.time())
    for number, make in enumerate(MAIL):
        when = now - (len(MAIL) - number) * 5 * HOUR
        octets = octets_of(make, number, when)
        name = "%d.M%06dP%d.mail.example.org,S=%d" % (
            when,
            number * 7919 % 1000000,
            4000 + number,
            len(octets),
        )
        (top / ("cur/%s:2,S" % name if number < 3 else "new/" + name)).write_bytes(octets)


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
