#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What a shell cannot ask of /dev/first, for use.sh. Prints how it ended.
#
# Usage: ask.pl read | write      without blocking, until it fails: how often, and the error
#        ask.pl poll MODE         waits for IN, OUT or nothing: what came
#        ask.pl epoll             waits for IN, by epoll
#        ask.pl signal | restart  one read that a signal ends, or restarts
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Fcntl;
use IO::Poll qw(POLLIN POLLOUT POLLHUP POLLERR);
use POSIX ();

my ($what, @rest) = @ARGV;

sub device {
	my ($flags) = @_;
	sysopen(my $file, '/dev/first', $flags) or die "open: $!\n";
	return $file;
}

sub name_of {
	my ($mask) = @_;
	my %bits = (IN => POLLIN, OUT => POLLOUT, HUP => POLLHUP, ERR => POLLERR);
	return join ' ', grep { $mask & $bits{$_} } qw(IN OUT HUP ERR);
}

if ($what eq 'read' or $what eq 'write') {
	my $file = device(O_NONBLOCK | ($what eq 'read' ? O_RDONLY : O_WRONLY));
	my ($times, $done, $text) = (0, 1);
	while ($done) {
		$done = $what eq 'read' ? sysread($file, $text, 4096) : syswrite($file, "$times\n");
		$times++ if $done;
	}
	print "$times ", defined $done ? 'end' : $! == EAGAIN ? 'EAGAIN' : $!, "\n";
} elsif ($what eq 'poll') {
	my ($mode) = @rest;
	my ($file, $poll) = (device($mode eq 'OUT' ? O_WRONLY : O_RDONLY), IO::Poll->new);
	# POLLHUP comes unasked, and so would an empty mask drop the file from the list.
	$poll->mask($file => $mode eq 'OUT' ? POLLOUT : $mode eq 'IN' ? POLLIN : POLLHUP);
	my $ready = $poll->poll(-1);
	print $ready > 0 ? name_of($poll->events($file)) : "$!", "\n";
} elsif ($what eq 'epoll') {
	# As x86_64 has them: epoll_create1, epoll_ctl with EPOLL_CTL_ADD, epoll_wait.
	my $file = device(O_RDONLY);
	my $epoll = syscall(291, 0);
	my $event = pack('LQ', POLLIN, 7);
	syscall(233, $epoll, 1, fileno $file, $event) == 0 or die "epoll_ctl: $!\n";
	my $seen = "\0" x 12;
	my $ready = syscall(232, $epoll, $seen, 1, -1);
	print $ready > 0 ? name_of(unpack 'L', $seen) : "$!", "\n";
} elsif ($what eq 'signal' or $what eq 'restart') {
	my ($file, $came, $text) = (device(O_RDONLY), 0);
	my $flags = $what eq 'restart' ? POSIX::SA_RESTART : 0;
	my $action = POSIX::SigAction->new(sub { $came++ }, POSIX::SigSet->new, $flags);
	POSIX::sigaction(POSIX::SIGUSR1, $action) or die "sigaction: $!\n";
	my $done = POSIX::read(fileno $file, $text, 4096);
	print $done ? "read $text" : $! == EINTR ? "EINTR\n" : "$!\n";
	print "signals: $came\n";
} else {
	die "ask.pl: there is no '$what'\n";
}
