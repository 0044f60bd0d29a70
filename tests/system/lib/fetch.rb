#!/usr/bin/ruby
# fetch.rb PORT USER PASSWORD DIRECTORY KEEP [implicit CA] - every message by Net::POP3, one file each
#
# SPDX-License-Identifier: ISC
require 'net/pop'

port, user, password, directory, keep, tls, authority = ARGV
if tls == 'implicit'
  require 'openssl'
  Net::POP3.enable_ssl(OpenSSL::SSL::VERIFY_PEER, authority)
end
Net::POP3.start('localhost', port.to_i, user, password) do |pop|
  raise 'uidl lists another count' unless pop.mails.map(&:unique_id).uniq.length == pop.n_mails
  pop.each_mail do |mail|
    File.open(format('%s/%05d', directory, mail.number), 'wb') do |file|
      mail.pop { |chunk| file.write(chunk) }
    end
    mail.delete if keep.empty?
  end
end
