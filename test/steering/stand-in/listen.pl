# Opens the transparent socket as fd 3 and becomes the program given. Runs as root in the namespace.
use strict;
use warnings;
use Socket qw(:DEFAULT inet_pton AF_INET6 IPPROTO_IPV6 IPV6_V6ONLY pack_sockaddr_in6);
use Fcntl;
$^F = 3;
socket(my $socket, AF_INET6, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1) or die $!;
setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 0) or die $!;
setsockopt($socket, 41, 75, 1) or die "IPV6_TRANSPARENT: $!";
bind($socket, pack_sockaddr_in6(15001, inet_pton(AF_INET6, '::'))) or die $!;
listen($socket, 1024) or die $!;
fileno($socket) == 3 or die 'the socket is not fd 3';
exec @ARGV or die $!;
