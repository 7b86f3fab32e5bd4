# Runs as root in the domain's network namespace and in a mount namespace of its own. It builds the
# file system that the supervisor and its workers see, opens the two sockets that need a privilege, and
# becomes the supervisor:
#
#   perl launch-supervisor.pl PORT BACKLOG INTERFACE ROOT [ro|rw SOURCE TARGET]... -- COMMAND...
#
# ROOT is an empty folder; it becomes `/`. Each SOURCE appears at TARGET below it, nothing else of the
# machine does but system libraries. Descriptor 3 of COMMAND is a stream socket with IPV6_TRANSPARENT
# (it takes connections to any address, IPv4 ones too), bound to [::]:PORT and listening. Descriptor 4 is a
# packet socket on INTERFACE: a read gives one frame that came in, a write sends one. Its filter, which is
# locked, lets IPv4 datagrams through and what of IPv6 is neither plain TCP nor ICMP. In front of each frame
# stands a virtio_net_hdr, so that checksums and trains that the card would finish stay as they are.
use strict;
use warnings;
use POSIX ();
use Socket;

my ($port, $backlog, $interface, $root) = splice @ARGV, 0, 4;

require((__FILE__ =~ s{[^/]*\z}{}r) . 'view.pl');
build_view(\@ARGV, $root);

$^F = 16;    # descriptors up to here survive exec
my ($IPPROTO_IPV6, $IPV6_V6ONLY, $IPV6_TRANSPARENT) = (41, 26, 75);
socket(my $socket, AF_INET6, SOCK_STREAM, 0) or die "socket: $!\n";
setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, pack('i', 1)) or die "SO_REUSEADDR: $!\n";
setsockopt($socket, $IPPROTO_IPV6, $IPV6_V6ONLY, pack('i', 0)) or die "IPV6_V6ONLY: $!\n";
setsockopt($socket, $IPPROTO_IPV6, $IPV6_TRANSPARENT, pack('i', 1)) or die "IPV6_TRANSPARENT: $!\n";
bind($socket, pack_sockaddr_in6($port, "\0" x 16)) or die "bind [::]:$port: $!\n";
listen($socket, $backlog) or die "listen: $!\n";

# linux/if_packet.h, linux/filter.h, asm-generic/socket.h
my ($AF_PACKET, $SOL_PACKET, $PACKET_VNET_HDR, $PACKET_IGNORE_OUTGOING) = (17, 263, 15, 23);
my ($SO_RCVTIMEO, $SO_ATTACH_FILTER, $SO_RCVBUFFORCE, $SO_LOCK_FILTER) = (20, 26, 33, 44);
my ($ETH_P_ALL, $SIOCGIFINDEX) = (3, 0x8933);
# Frames that wait while no worker reads, and how long a read waits for one: a worker that ends waits so long.
my ($QUEUE_BYTES, $READ_WAIT_US) = (4_194_304, 200_000);
my @filter = (
    [0x28, 0, 0, 12],         # A = EtherType
    [0x15, 0, 2, 0x0800],     # IPv4?
    [0x30, 0, 0, 23],         #   A = protocol
    [0x15, 4, 5, 17],         #   UDP: take, else not
    [0x15, 0, 4, 0x86dd],     # IPv6?
    [0x30, 0, 0, 20],         #   A = next header
    [0x15, 2, 0, 6],          #   TCP: not
    [0x15, 1, 0, 58],         #   ICMPv6: not
    [0x06, 0, 0, 0x40000],    # take
    [0x06, 0, 0, 0],          # not
);
my $program = join '', map { pack 'SCCL', @$_ } @filter;
# Protocol 0: nothing is received before it is bound.
socket(my $frames, $AF_PACKET, SOCK_RAW, 0) or die "packet socket: $!\n";
setsockopt($frames, $SOL_PACKET, $PACKET_VNET_HDR, pack('i', 1)) or die "PACKET_VNET_HDR: $!\n";
setsockopt($frames, $SOL_PACKET, $PACKET_IGNORE_OUTGOING, pack('i', 1)) or die "PACKET_IGNORE_OUTGOING: $!\n";
setsockopt($frames, SOL_SOCKET, $SO_RCVBUFFORCE, pack('i', $QUEUE_BYTES)) or die "SO_RCVBUFFORCE: $!\n";
setsockopt($frames, SOL_SOCKET, $SO_RCVTIMEO, pack('l!l!', 0, $READ_WAIT_US)) or die "SO_RCVTIMEO: $!\n";
setsockopt($frames, SOL_SOCKET, $SO_ATTACH_FILTER, pack('S x![L!] P', scalar @filter, $program))
    or die "SO_ATTACH_FILTER: $!\n";
setsockopt($frames, SOL_SOCKET, $SO_LOCK_FILTER, pack('i', 1)) or die "SO_LOCK_FILTER: $!\n";
my $request = pack('a16 x16', $interface);
ioctl($frames, $SIOCGIFINDEX, $request) or die "$interface: $!\n";
my $index = unpack('x16 i', $request);
# struct sockaddr_ll
bind($frames, pack('S n i S C C a8', $AF_PACKET, $ETH_P_ALL, $index, 0, 0, 0, '')) or die "bind to $interface: $!\n";

# Neither may stand in the other's place while it is moved.
my @moved = map { fcntl($_, 0, 5) // die "dup: $!\n" } $socket, $frames;
defined POSIX::dup2($moved[$_] + 0, 3 + $_) or die "dup2: $!\n" for 0, 1;
POSIX::close($_ + 0) for grep { $_ > 4 } @moved, fileno($socket), fileno($frames);

chroot($root) or die "chroot $root: $!\n";
chdir('/') or die "chdir: $!\n";
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n";
