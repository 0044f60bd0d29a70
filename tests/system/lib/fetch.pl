#!/usr/bin/perl
# fetch.pl PORT USER PASSWORD DIRECTORY KEEP [starttls|implicit CA] - every message by Net::POP3, one
# file each
#
# SPDX-License-Identifier: ISC
use strict;
use warnings;
use Net::POP3;

my ($port, $user, $password, $directory, $keep, $tls, $ca) = @ARGV;
my @given = (Port => $port, Timeout => 20);
push @given, SSL => 1, SSL_ca_file => $ca if ($tls // '') eq 'implicit';
my $pop = Net::POP3->new('localhost', @given) or die "connect: $@\n";
if (($tls // '') eq 'starttls') {
	$pop->starttls(SSL_ca_file => $ca, SSL_verifycn_name => 'localhost') or die "starttls: $@\n";
}
my $count = $pop->login($user, $password);
defined $count or die "login: " . $pop->message;
my $uidl = $pop->uidl or die "uidl\n";
keys %$uidl == $count or die "uidl lists another count\n";
for my $number (1 .. $count) {
	my $lines = $pop->get($number) or die "get $number: " . $pop->message;
	open my $file, '>:raw', sprintf('%s/%05d', $directory, $number) or die "$!\n";
	print $file @$lines;
	close $file or die "$!\n";
	$keep or $pop->delete($number) or die "delete $number\n";
}
$pop->quit or die "quit: " . $pop->message;
