"""thunderbird.py - a Thunderbird profile with one POP3 account that fetches at start, headless

The password has to lie in the profile's own store: logins.json, encrypted by the key that NSS
makes in the same profile.

SPDX-License-Identifier: ISC
"""
import base64
import ctypes
import json
import pathlib
import sys

PREFERENCES = """\
user_pref("mail.accountmanager.accounts", "account1,account2");
user_pref("mail.accountmanager.defaultaccount", "account1");
user_pref("mail.accountmanager.localfoldersserver", "server2");
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account1.identities", "id1");
user_pref("mail.account.account2.server", "server2");
user_pref("mail.identity.id1.useremail", "%(user)s@example.org");
user_pref("mail.server.server1.type", "pop3");
user_pref("mail.server.server1.name", "test");
user_pref("mail.server.server1.hostname", "localhost");
user_pref("mail.server.server1.port", %(port)d);
user_pref("mail.server.server1.userName", "%(user)s");
user_pref("mail.server.server1.directory", "%(profile)s/Mail/pop");
user_pref("mail.server.server1.socketType", %(socket)d);
user_pref("mail.server.server1.authMethod", 3);
user_pref("mail.server.server1.login_at_startup", true);
user_pref("mail.server.server1.download_on_biff", true);
user_pref("mail.server.server1.check_new_mail", true);
user_pref("mail.server.server1.leave_on_server", %(keep)s);
user_pref("mail.server.server1.delete_by_age_from_server", false);
user_pref("mail.server.server1.deferred_to_account", "");
user_pref("mail.server.server1.spamLevel", 0);
user_pref("mail.server.server2.type", "none");
user_pref("mail.server.server2.name", "Local Folders");
user_pref("mail.server.server2.hostname", "Local Folders");
user_pref("mail.server.server2.userName", "nobody");
user_pref("mail.server.server2.directory", "%(profile)s/Mail/Local Folders");
user_pref("mailnews.headers.showUserAgent", false);
user_pref("mail.provider.enabled", false);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mail.winsearch.firstRunDone", true);
user_pref("mailnews.database.global.indexer.enabled", false);
user_pref("mailnews.start_page.enabled", false);
user_pref("app.update.enabled", false);
user_pref("app.donation.eoy.version.viewed", 999);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("mail.rights.version", 1);
"""


class SecItem(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint), ("data", ctypes.c_char_p), ("len", ctypes.c_uint)]


class Out(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint), ("data", ctypes.POINTER(ctypes.c_ubyte)), ("len", ctypes.c_uint)]


def encryptor(profile):
    """a function that encrypts as the profile's password store does"""
    nss = ctypes.CDLL("libnss3.so")
    nss.PK11_GetInternalKeySlot.restype = ctypes.c_void_p
    nss.PK11_InitPin.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    if nss.NSS_InitReadWrite(b"sql:" + str(profile).encode()) != 0:
        raise OSError("NSS_InitReadWrite failed")
    nss.PK11_InitPin(nss.PK11_GetInternalKeySlot(), None, b"")

    def encrypt(text):
        octets = text.encode()
        out = Out()
        if (
            nss.PK11SDR_Encrypt(
                ctypes.byref(SecItem(0, None, 0)),
                ctypes.byref(SecItem(0, octets, len(octets))),
                ctypes.byref(out),
                None,
            )
            != 0
        ):
            raise OSError("PK11SDR_Encrypt failed")
        return base64.b64encode(bytes(out.data[: out.len])).decode()

    return encrypt


SOCKETS = {"": 0, "starttls": 2, "implicit": 3}


def make(profile, port, user, password, keep, tls):
    profile.mkdir(parents=True)
    (profile / "user.js").write_text(
        PREFERENCES
        % {
            "profile": profile,
            "port": port,
            "user": user,
            "keep": "true" if keep else "false",
            "socket": SOCKETS[tls],
        }
    )
    encrypt = encryptor(profile)
    (profile / "logins.json").write_text(
        json.dumps(
            {
                "nextId": 2,
                "version": 3,
                "logins": [
                    {
                        "id": 1,
                        "hostname": "mailbox://localhost",
                        "httpRealm": "mailbox://localhost",
                        "formSubmitURL": None,
                        "usernameField": "",
                        "passwordField": "",
                        "encryptedUsername": encrypt(user),
                        "encryptedPassword": encrypt(password),
                        "guid": "{6c7a1a1c-0000-4000-8000-000000000110}",
                        "encType": 1,
                        "timeCreated": 1700000000000,
                        "timeLastUsed": 1700000000000,
                        "timePasswordChanged": 1700000000000,
                        "timesUsed": 1,
                    }
                ],
                "potentiallyVulnerablePasswords": [],
                "dismissedBreachAlertsByLoginGUID": {},
            }
        )
    )


if __name__ == "__main__":
    profile, port, user, password, keep, tls = sys.argv[1:]
    make(pathlib.Path(profile), int(port), user, password, keep == "keep", tls)
