# Runs as root in the domain's network namespace and in a mount namespace of its own. It builds the
# file system that the supervisor and its workers see, opens the one listening socket that needs a
# privilege, and becomes the supervisor:
#
#   perl launch-supervisor.pl PORT BACKLOG ROOT [ro|rw SOURCE TARGET]... -- COMMAND...
#
# ROOT is an empty folder; it becomes `/`. Each SOURCE appears at TARGET below it, nothing else of the
# machine does but system libraries. Descriptor 3 of COMMAND is a stream socket with IPV6_TRANSPARENT
# (it takes connections to any address, IPv4 ones too), bound to [::]:PORT and listening.
use strict;
use warnings;
use POSIX ();
use Socket;

my ($port, $backlog, $root) = splice @ARGV, 0, 3;

sub run { system(@_) == 0 or die "@_: failed\n" }

sub bind_at {
    my ($mode, $source, $target) = @_;
    my $path = '';
    my @parts = grep { length } split m{/}, $target;
    my $last = pop @parts;
    for my $part (@parts) { $path .= "/$part"; mkdir "$root$path" }
    if (-d $source) { mkdir "$root$path/$last" }
    else { open(my $file, '>', "$root$path/$last") or die "$root$path/$last: $!\n" }
    run('mount', '--bind', '-o', $mode, $source, "$root$path/$last");
}

run('mount', '-t', 'tmpfs', '-o', 'mode=0755,size=1m,nosuid,nodev', 'portcullis', $root);
for my $folder (qw(/usr /lib /lib64 /bin)) {
    if (-l $folder) { symlink(readlink($folder), "$root$folder") or die "$folder: $!\n" }
    elsif (-d $folder) { bind_at('ro', $folder, $folder) }
}
bind_at('ro', '/etc/ld.so.cache', '/etc/ld.so.cache') if -e '/etc/ld.so.cache';
bind_at('rw', "/dev/$_", "/dev/$_") for qw(null zero random urandom);
mkdir "$root/proc" and run('mount', '--bind', '/proc', "$root/proc");
while (@ARGV && $ARGV[0] ne '--') { bind_at(splice @ARGV, 0, 3) }
shift @ARGV;
run('mount', '-o', 'remount,ro', $root);

$^F = 16;    # descriptors up to here survive exec
my ($IPPROTO_IPV6, $IPV6_V6ONLY, $IPV6_TRANSPARENT) = (41, 26, 75);
socket(my $socket, AF_INET6, SOCK_STREAM, 0) or die "socket: $!\n";
setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, pack('i', 1)) or die "SO_REUSEADDR: $!\n";
setsockopt($socket, $IPPROTO_IPV6, $IPV6_V6ONLY, pack('i', 0)) or die "IPV6_V6ONLY: $!\n";
setsockopt($socket, $IPPROTO_IPV6, $IPV6_TRANSPARENT, pack('i', 1)) or die "IPV6_TRANSPARENT: $!\n";
bind($socket, pack_sockaddr_in6($port, "\0" x 16)) or die "bind [::]:$port: $!\n";
listen($socket, $backlog) or die "listen: $!\n";
if (fileno($socket) != 3) { defined POSIX::dup2(fileno($socket), 3) or die "dup2: $!\n" }

chroot($root) or die "chroot $root: $!\n";
chdir('/') or die "chdir: $!\n";
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n";
