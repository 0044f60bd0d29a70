#!/usr/bin/ruby
# fetch.rb PORT USER PASSWORD DIRECTORY KEEP - every message by Net::POP3, one file each
#
# SPDX-License-Identifier: ISC
require 'net/pop'

port, user, password, directory, keep = ARGV
Net::POP3.start('127.0.0.1', port.to_i, user, password) do |pop|
  raise 'uidl lists another count' unless pop.mails.map(&:unique_id).uniq.length == pop.n_mails
  pop.each_mail do |mail|
    File.open(format('%s/%05d', directory, mail.number), 'wb') do |file|
      mail.pop { |chunk| file.write(chunk) }
    end
    mail.delete if keep.empty?
  end
end
