# Runs as root inside the namespace (nsenter --net): settings that `ip` cannot make.
#   perl prepare-namespace.pl INTERFACE keep|off NAME=VALUE...
# `off`: the interface computes no checksum for the card to finish. A userspace datapath passes frames
# on as bytes, and a checksum that nobody finishes is a wrong one.
use strict;
use warnings;
use Socket;

my ($interface, $offload, @settings) = @ARGV;

for my $setting (@settings) {
    my ($name, $value) = split /=/, $setting, 2;
    my $path = "/proc/sys/net/$name";
    open(my $file, '>', $path) or die "$path: $!\n";
    print {$file} "$value\n" or die "$path: $!\n";
    close($file) or die "$path = $value: $!\n";
}

if ($offload eq 'off') {
    my $SIOCETHTOOL = 0x8946;
    my $ETHTOOL_STXCSUM = 0x17;
    socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die "socket: $!\n";
    my $value = pack('LL', $ETHTOOL_STXCSUM, 0);
    my $request = pack('a16 P x16', $interface, $value);
    ioctl($socket, $SIOCETHTOOL, $request) or die "$interface: transmit checksum offload: $!\n";
}
