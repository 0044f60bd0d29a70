/*
 * relay_test.c - the rules of src/tls/relay, against clients that keep them and break them
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/core_names.h>

#include "scratch.h"
#include "tls/tickets.h"
#include "tls_play.h"

#define CERTIFICATE(names) play_certify(play_ec(), NULL, "server", -1, names)

static char told[4096];

static void usual(void)
{
	struct holder own = CERTIFICATE("DNS:mail.example.org");

	play_rules(play_pair(&own, NULL, own.key));
}

static bool has_told(const char *text)
{
	return strstr(told, text) != NULL;
}

/* One whole session: greeting, a command, its answer, the end by the server */
static enum relay_end session(int net, SSL_CTX *ctx, const char *server_name, SSL_SESSION *old, SSL_SESSION **kept)
{
	struct play p = play_start(net);
	SSL *ssl = play_client(&p, ctx);
	char octet;

	if (server_name)
		cr_assert_eq(SSL_set_tlsext_host_name(ssl, (uintptr_t)server_name), 1);
	if (old)
		cr_assert_eq(SSL_set_session(ssl, old), 1);
	play_inner_says(&p, "+OK hello\r\n");
	if (SSL_connect(ssl) == 1) {
		play_client_hears(ssl, "+OK hello\r\n");
		cr_assert_eq(SSL_write(ssl, "QUIT\r\n", 6), 6);
		play_inner_hears(&p, "QUIT\r\n");
		play_inner_says(&p, "+OK bye\r\n");
		cr_assert_eq(shutdown(p.inner, SHUT_WR), 0);
		play_client_hears(ssl, "+OK bye\r\n");
		cr_expect_eq(SSL_read(ssl, &octet, 1), 0);
		cr_expect_eq(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN, "no close_notify");
		/* without its own close_notify a client does not resume the session later */
		(void)SSL_shutdown(ssl);
		if (kept)
			*kept = play_keep(SSL_get1_session(ssl));
	}
	SSL_free(ssl);
	return play_end(&p, told, sizeof told);
}

static enum relay_end simple_session(SSL_CTX *ctx)
{
	return session(SOCK_STREAM, ctx, NULL, NULL, NULL);
}

static SSL_CTX *context_of(int version)
{
	SSL_CTX *ctx = play_context();

	cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, version) & SSL_CTX_set_max_proto_version(ctx, version), 1);
	if (version < TLS1_2_VERSION)
		cr_assert_eq(SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0"), 1);
	return ctx;
}

Test(relay, a_session_by_tls_1_3)
{
	usual();
	cr_expect_eq(simple_session(context_of(TLS1_3_VERSION)), RELAY_ENDED);
	cr_expect_str_eq(told, "done TLSv1.3 TLS_AES_128_GCM_SHA256 full sni='' client=''\n");
}

Test(relay, a_session_by_tls_1_2)
{
	usual();
	cr_expect_eq(simple_session(context_of(TLS1_2_VERSION)), RELAY_ENDED);
	cr_expect_str_eq(told, "done TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 full sni='' client=''\n");
}

Test(relay, a_session_by_pipes)
{
	usual();
	cr_expect_eq(session(0, play_context(), NULL, NULL, NULL), RELAY_ENDED);
	cr_expect(has_told("done TLSv1.3"));
}

Test(relay, older_versions_are_refused)
{
	usual();
	cr_expect_eq(simple_session(context_of(TLS1_1_VERSION)), RELAY_ENDED);
	cr_expect_str_eq(told, "failed theirs: the client offers no TLS version that is allowed, sni=''\n");
}

Test(relay, older_versions_are_spoken_if_the_minimum_says_so)
{
	const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < 3; i++) {
		usual();
		rules.context.min_version = TLS1_VERSION;
		cr_expect_eq(simple_session(context_of(versions[i])), RELAY_ENDED);
		cr_expect(has_told("done TLSv1"), "%s", told);
	}
}

Test(relay, ciphers_are_those_of_the_rules)
{
	SSL_CTX *ctx = context_of(TLS1_2_VERSION);

	usual();
	rules.context.ciphers = "ECDHE+CHACHA20";
	cr_expect_eq(simple_session(ctx), RELAY_ENDED);
	cr_expect(has_told("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"), "%s", told);
	usual();
	rules.context.ciphers = "ECDHE+CHACHA20";
	cr_assert_eq(SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM"), 1);
	cr_expect_eq(simple_session(ctx), RELAY_ENDED);
	cr_expect_str_eq(told, "failed theirs: no cipher in common, sni=''\n");
}

Test(relay, what_the_administrator_asks_for_is_there)
{
	const char *const ciphers[] = { "AES128-GCM-SHA256", "AES256-SHA", "ECDHE-RSA-CAMELLIA128-SHA256" };
	struct holder rsa = play_certify(play_keep(EVP_RSA_gen(2048)), NULL, "server", -1, NULL);

	for (size_t i = 0; i < 3; i++) {
		SSL_CTX *ctx = context_of(TLS1_2_VERSION);

		cr_assert_eq(SSL_CTX_set_cipher_list(ctx, ciphers[i]), 1);
		play_rules(play_pair(&rsa, NULL, rsa.key));
		rules.context.ciphers = ciphers[i];
		cr_expect_eq(simple_session(ctx), RELAY_ENDED);
		cr_expect(has_told("done TLSv1.2"), "%s: %s", ciphers[i], told);
	}
}

Test(relay, an_old_device_without_elliptic_curves)
{
	struct holder rsa = play_certify(play_keep(EVP_RSA_gen(2048)), NULL, "server", -1, NULL);
	SSL_CTX *ctx = context_of(TLS1_VERSION);

	cr_assert_eq(SSL_CTX_set_cipher_list(ctx, "AES128-SHA:@SECLEVEL=0"), 1);
	play_rules(play_pair(&rsa, NULL, rsa.key));
	rules.context.min_version = TLS1_VERSION;
	cr_expect_eq(simple_session(ctx), RELAY_ENDED);
	cr_expect(has_told("done TLSv1 TLS_RSA_WITH_AES_128_CBC_SHA"), "%s", told);
}

Test(relay, the_greeting_leaves_with_the_last_flight)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < 2; i++) {
		struct play p;
		SSL *ssl;
		BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
		static char data[65536];
		int n, sends = 0;

		usual();
		p = play_start(SOCK_SEQPACKET);
		play_inner_says(&p, "+OK hello\r\n");
		ssl = SSL_new(context_of(versions[i]));
		SSL_set_bio(ssl, in, out);
		(void)BIO_set_mem_eof_return(in, -1);
		SSL_set_connect_state(ssl);
		while ((n = SSL_read(ssl, data, sizeof data)) <= 0 && sends < 10) {
			if ((n = BIO_read(out, data, sizeof data)) > 0)
				cr_assert_eq(send(p.net_out, data, (size_t)n, 0), n);
			n = (int)recv(p.net_in, data, sizeof data, 0);
			cr_assert_gt(n, 0);
			sends++;
			cr_assert_eq(BIO_write(in, data, n), n);
		}
		cr_expect_eq(n, 11);
		cr_expect_eq(sends, 2, "%d sends", sends);
		SSL_free(ssl);
		(void)play_end(&p, told, sizeof told);
	}
}

/* Choosing a certificate */

static SSL_CTX *signatures(const char *list)
{
	SSL_CTX *ctx = context_of(TLS1_3_VERSION);

	cr_assert_eq(SSL_CTX_set1_sigalgs_list(ctx, (uintptr_t)list), 1);
	return ctx;
}

static int type_of_shown(SSL_CTX *ctx)
{
	SSL_SESSION *kept = NULL;
	int type;

	cr_assert_eq(session(SOCK_STREAM, ctx, NULL, NULL, &kept), RELAY_ENDED);
	cr_assert_not_null(kept, "%s", told);
	type = EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_SESSION_get0_peer(kept)));
	return type;
}

Test(relay, of_two_certificates_the_client_gets_the_one_it_can_check)
{
	struct holder ec = CERTIFICATE(NULL), rsa = play_certify(play_keep(EVP_RSA_gen(2048)), NULL, "server", -1, NULL);
	const struct { const char *list; int type; } cases[] = {
		{ "ECDSA+SHA256", EVP_PKEY_EC }, { "RSA-PSS+SHA256", EVP_PKEY_RSA },
		{ "ECDSA+SHA256:RSA-PSS+SHA256", EVP_PKEY_EC },
	};

	for (size_t i = 0; i < 3; i++) {
		play_rules(play_pair(&rsa, NULL, rsa.key));
		rules.context.pair[1] = play_pair(&ec, NULL, ec.key);
		rules.context.pairs = 2;
		cr_expect_eq(type_of_shown(signatures(cases[i].list)), cases[i].type, "%s", cases[i].list);
	}
}

Test(relay, the_chain_is_shown)
{
	struct holder root = play_authority("root"), between = play_certify(play_ec(), &root, "between", -1, NULL);
	struct holder own = play_certify(play_ec(), &between, "server", -1, NULL);
	struct play p;
	SSL *ssl;

	play_rules(play_pair(&own, &between, own.key));
	p = play_start(SOCK_STREAM);
	ssl = play_client(&p, play_context());
	cr_assert_eq(SSL_connect(ssl), 1);
	cr_expect_eq(sk_X509_num(SSL_get_peer_cert_chain(ssl)), 2);
	SSL_free(ssl);
	(void)play_end(&p, told, sizeof told);
}

/* The name of the certificate that is shown to who asks for name */
static void expect_shown(const char *name, const char *holds_for)
{
	SSL_SESSION *kept = NULL;

	cr_expect_eq(session(SOCK_STREAM, play_context(), name, NULL, &kept), RELAY_ENDED);
	cr_assert_not_null(kept, "%s", told);
	cr_expect_eq(X509_check_host(SSL_SESSION_get0_peer(kept), holds_for, 0, 0, NULL), 1, "%s", name);
}

static void named(enum files_found found, const char *names)
{
	struct holder own = CERTIFICATE(names);

	usual();
	rules.context.names = true;
	monitor.found = found;
	monitor.named = play_pair(&own, NULL, own.key);
}

Test(relay, a_certificate_is_asked_for_by_server_name)
{
	named(FILES_EXACT, "DNS:other.example");
	expect_shown("Other.Example", "other.example");
	cr_expect(has_told("asked 'other.example' 0\n"), "%s", told);
	cr_expect(has_told("sni='other.example'"), "%s", told);
}

Test(relay, a_name_without_a_certificate_gets_the_default)
{
	named(FILES_NONE, NULL);
	monitor.named = (struct files_pair){ -1, -1 };
	expect_shown("other.example", "mail.example.org");
}

Test(relay, the_parents_certificate_is_shown_only_if_it_holds_for_the_name)
{
	named(FILES_PARENT, "DNS:*.example.org");
	expect_shown("other.example.org", "other.example.org");
	named(FILES_PARENT, "DNS:example.org");
	expect_shown("other.example.org", "mail.example.org");
}

Test(relay, a_name_that_is_none_is_not_asked_for)
{
	const char *const names[] = { "../../etc/ssl", "a..b", "-x.example", "a_b.example" };

	for (size_t i = 0; i < 4; i++) {
		named(FILES_EXACT, "DNS:other.example");
		expect_shown(names[i], "mail.example.org");
		cr_expect_not(has_told("asked"), "%s", told);
		cr_expect(has_told("sni=''"), "%s", told);
	}
}

Test(relay, without_any_certificate_for_a_name_there_is_no_cipher)
{
	usual();
	rules.context.names = true;
	rules.context.pairs = 0;
	cr_expect_eq(session(SOCK_STREAM, play_context(), "a.example", NULL, NULL), RELAY_ENDED);
	cr_expect(has_told("failed theirs: there is no certificate for this server name, sni='a.example'"), "%s", told);
}

Test(relay, certificate_and_key_that_do_not_match_are_read_once_more)
{
	struct holder own = CERTIFICATE("DNS:mail.example.org"), other = CERTIFICATE(NULL);

	play_rules(play_pair(&own, NULL, other.key));
	monitor.anew = play_pair(&own, NULL, own.key);
	cr_expect_eq(simple_session(play_context()), RELAY_ENDED);
	cr_expect(strncmp(told, "asked '' 0\ndone", 15) == 0, "%s", told);
	play_rules(play_pair(&own, NULL, other.key));
	monitor.anew = play_pair(&own, NULL, other.key);
	cr_expect_eq(simple_session(play_context()), RELAY_SETUP);
	cr_expect_str_eq(told, "asked '' 0\n"
	    "failed ours: default certificate: the private key is not that of the certificate, sni=''\n");
}

Test(relay, files_that_cannot_be_used_are_our_fault)
{
	struct holder own = CERTIFICATE(NULL);
	struct files_pair empty = { play_file(NULL, 0, NULL), play_file(NULL, 0, own.key) };
	struct files_pair no_key = play_pair(&own, NULL, NULL);

	play_rules(empty);
	cr_expect_eq(simple_session(play_context()), RELAY_SETUP);
	cr_expect(has_told("failed ours: default certificate: certificate: no certificate is in the file"), "%s", told);
	play_rules(no_key);
	cr_expect_eq(simple_session(play_context()), RELAY_SETUP);
	cr_expect(has_told("failed ours: default certificate: key: "), "%s", told);
}

static void key_as(const EVP_PKEY *key, int fd, bool (*write_key)(FILE *f, const EVP_PKEY *key))
{
	FILE *f = fdopen(dup(fd), "w");

	cr_assert(f && write_key(f, key) && fclose(f) == 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
}

static bool write_traditional(FILE *f, const EVP_PKEY *key)
{
	BIO *bio = BIO_new_fp(f, BIO_NOCLOSE);
	bool written = bio && PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL) == 1;

	return BIO_free(bio) == 1 && written;
}

static bool write_encrypted(FILE *f, const EVP_PKEY *key)
{
	return PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), (const unsigned char *)"x", 1, NULL, NULL) == 1;
}

Test(relay, keys_of_all_usual_kinds)
{
	EVP_PKEY *const keys[] = { play_ec(), play_keep(EVP_RSA_gen(2048)), play_keep(EVP_EC_gen("P-384")), play_keep(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")) };

	for (size_t i = 0; i < 4; i++) {
		struct holder own = play_certify(keys[i], NULL, "server", -1, NULL);
		play_rules(play_pair(&own, NULL, own.key));
		cr_expect_eq(simple_session(play_context()), RELAY_ENDED);
		cr_expect(has_told("done"), "%zu: %s", i, told);
		/* Edwards keys know no traditional form */
		if (i == 3)
			continue;
		play_rules(play_pair(&own, NULL, NULL));
		key_as(own.key, rules.context.pair[0].key, write_traditional);
		cr_expect_eq(simple_session(play_context()), RELAY_ENDED);
		cr_expect(has_told("done"), "%zu traditional: %s", i, told);
		play_rules(play_pair(&own, NULL, NULL));
		key_as(own.key, rules.context.pair[0].key, write_encrypted);
		cr_expect_eq(simple_session(play_context()), RELAY_SETUP);
		cr_expect(has_told("failed ours: default certificate: key: "), "%zu encrypted: %s", i, told);
	}
}

Test(relay, certificate_and_key_may_be_in_one_file)
{
	struct holder own = CERTIFICATE(NULL);
	const struct holder *all[] = { &own };
	struct files_pair pair = { play_file(all, 1, own.key), play_file(all, 1, own.key) };

	play_rules(pair);
	cr_expect_eq(simple_session(play_context()), RELAY_ENDED);
	cr_expect(has_told("done"), "%s", told);
}

/* The certificate has the point in its short form, the key in its long one: the same key even so. */
Test(relay, a_public_key_that_is_written_unusually)
{
	struct holder own;
	EVP_PKEY *key = play_ec();

	cr_assert_eq(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"), 1);
	own = play_certify(key, NULL, "server", -1, NULL);
	cr_assert_eq(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed"), 1);
	play_rules(play_pair(&own, NULL, own.key));
	cr_expect_eq(simple_session(play_context()), RELAY_ENDED);
	cr_expect(has_told("done") && !has_told("asked"), "%s", told);
}

/* ALPN */

static void offer(const char *list, size_t len, const char *expected)
{
	SSL_CTX *ctx = play_context();

	usual();
	cr_assert_eq(SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)list, (unsigned)len), 0);
	cr_expect_eq(simple_session(ctx), RELAY_ENDED);
	cr_expect(has_told(expected), "%s: %s", list, told);
}

Test(relay, alpn_is_pop3_or_nothing)
{
	offer("\4pop3", 5, "done");
	offer("\4imap\4pop3", 10, "done");
	offer("\4imap", 5, "failed theirs: the client wants another protocol than pop3 (ALPN)");
}

/* Tickets */

static void with_tickets(void)
{
	char error[TICKETS_ERROR];

	usual();
	rules.context.tickets = tickets_open(scratch_path("tickets"), error);
	cr_assert_geq(rules.context.tickets, 0, "%s", error);
}

/* How a second connection goes with what the first one left */
static void expect_second(SSL_SESSION *old, int version, SSL_SESSION **kept, const char *expected)
{
	cr_expect_eq(session(SOCK_STREAM, context_of(version), "mail.example.org", old, kept), RELAY_ENDED);
	cr_expect(has_told(expected), "%s", told);
	cr_expect(has_told("sni='mail.example.org'"), "%s", told);
}

Test(relay, sessions_are_resumed_by_another_process_without_a_certificate, .init = scratch_make, .fini = scratch_end)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	SSL_SESSION *first, *second, *third;

	for (size_t i = 0; i < 2; i++) {
		with_tickets();
		expect_second(NULL, versions[i], &first, "full");
		for (int again = 0; again < 2; again++) {
			with_tickets();
			rules.context.names = true;
			/* neither is it read, nor asked for */
			rules.context.pair[0] = (struct files_pair){ -1, -1 };
			expect_second(again ? second : first, versions[i], again ? &third : &second, "resumed");
			cr_expect_not(has_told("asked"), "%s", told);
		}
	}
}

static void change_keys(void (*change)(struct tickets_key key[2]))
{
	int fd = open(scratch_path("tickets/tickets"), O_RDWR);
	struct tickets_key key[2];

	cr_assert_geq(fd, 0);
	cr_assert_eq(pread(fd, key, sizeof key, 16), (ssize_t)sizeof key);
	change(key);
	cr_assert_eq(pwrite(fd, key, sizeof key, 16), (ssize_t)sizeof key);
	cr_assert_eq(close(fd), 0);
}

static void rotate(struct tickets_key key[2])
{
	key[1] = key[0];
	memset(&key[0], 'n', sizeof key[0]);
}

static void damage(struct tickets_key key[2])
{
	key[0].mac[0] ^= 1;
}

Test(relay, the_keys_before_are_good_and_the_ticket_is_renewed, .init = scratch_make, .fini = scratch_end)
{
	SSL_SESSION *first, *second;
	const unsigned char *ticket;
	size_t len;

	with_tickets();
	expect_second(NULL, TLS1_2_VERSION, &first, "full");
	change_keys(rotate);
	with_tickets();
	expect_second(first, TLS1_2_VERSION, &second, "resumed");
	SSL_SESSION_get0_ticket(second, &ticket, &len);
	cr_expect(len > 16 && memcmp(ticket, "nnnnnnnnnnnnnnnn", 16) == 0, "not renewed");
	change_keys(rotate);
	change_keys(rotate);
	with_tickets();
	expect_second(first, TLS1_2_VERSION, NULL, "full");
}

Test(relay, a_ticket_that_is_not_ours_means_a_full_handshake, .init = scratch_make, .fini = scratch_end)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	SSL_SESSION *first;

	for (size_t i = 0; i < 2; i++) {
		with_tickets();
		expect_second(NULL, versions[i], &first, "full");
		change_keys(damage);
		with_tickets();
		expect_second(first, versions[i], NULL, "full");
	}
}

Test(relay, without_tickets_nothing_is_resumed)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	SSL_SESSION *first;

	for (size_t i = 0; i < 2; i++) {
		usual();
		expect_second(NULL, versions[i], &first, "full");
		cr_expect_not(SSL_SESSION_has_ticket(first));
		usual();
		expect_second(first, versions[i], NULL, "full");
	}
}

/* Certificates of clients */

static struct holder authority;

static void with_authority(void)
{
	const struct holder *all[] = { &authority };

	if (!authority.key)
		authority = play_authority("clients");
	rules.context.client_ca = play_file(all, 1, NULL);
}

static SSL_CTX *who_has(const struct holder *h)
{
	SSL_CTX *ctx = context_of(TLS1_3_VERSION);

	cr_assert_eq(SSL_CTX_use_certificate(ctx, h->certificate) & SSL_CTX_use_PrivateKey(ctx, h->key), 1);
	return ctx;
}

static void expect_named(const char *cn, int cn_len, const char *names, const char *expected)
{
	struct holder h;

	usual();
	with_authority();
	h = play_certify(play_ec(), &authority, cn, cn_len, names);
	cr_expect_eq(simple_session(who_has(&h)), RELAY_ENDED);
	cr_expect(has_told(expected), "%s", told);
}

Test(relay, a_clients_certificate_names_it)
{
	static char long_name[300];

	expect_named("alice", -1, "email:other@example.org", "client='alice'");
	expect_named(NULL, 0, "DNS:x.example,email:alice@example.org,email:bob@example.org", "client='alice@example.org'");
	expect_named(NULL, 0, NULL, "client=''");
	expect_named("alice\0bob", 9, NULL, "client=''");
	/* X.520's limit for a common name is 64; an address may be longer */
	memset(long_name, 'a', sizeof long_name - 1);
	memcpy(long_name, "email:", 6);
	expect_named(NULL, 0, long_name, "client=''");
}

Test(relay, no_certificate_of_the_client_is_no_fault)
{
	usual();
	with_authority();
	cr_expect_eq(simple_session(play_context()), RELAY_ENDED);
	cr_expect(has_told("done") && has_told("client=''"), "%s", told);
}

Test(relay, a_certificate_of_another_authority_is_refused)
{
	struct holder other = play_authority("others"), h = play_certify(play_ec(), &other, "alice", -1, NULL);
	struct play p;
	SSL *ssl;
	char octet;

	usual();
	with_authority();
	p = play_start(SOCK_STREAM);
	ssl = play_client(&p, who_has(&h));
	/* the client of TLS 1.3 is done before it is judged */
	if (SSL_connect(ssl) == 1)
		cr_expect_leq(SSL_read(ssl, &octet, 1), 0);
	SSL_free(ssl);
	cr_expect_eq(play_end(&p, told, sizeof told), RELAY_ENDED);
	cr_expect(strncmp(told, "failed theirs: the client's certificate does not verify (", 57) == 0, "%s", told);
}

Test(relay, a_session_with_a_clients_certificate_is_not_resumed, .init = scratch_make, .fini = scratch_end)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct holder h;
	SSL_SESSION *kept;

	for (size_t i = 0; i < 2; i++) {
		SSL_CTX *ctx = context_of(versions[i]);

		for (int again = 0; again < 2; again++) {
			with_tickets();
			with_authority();
			if (!again)
				h = play_certify(play_ec(), &authority, "alice", -1, NULL);
			cr_assert_eq(SSL_CTX_use_certificate(ctx, h.certificate) & SSL_CTX_use_PrivateKey(ctx, h.key), 1);
			cr_expect_eq(session(SOCK_STREAM, ctx, NULL, again ? kept : NULL, &kept), RELAY_ENDED);
			cr_expect(has_told("full") && has_told("client='alice'"), "%s", told);
		}
	}
}
