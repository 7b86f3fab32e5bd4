# Runs as root in a tap's network namespace and in a mount namespace of its own. It starts tcpdump, which gives
# its privileges up once the interface is open, and becomes the process that reads it:
#
#   perl launch-tap.pl ROOT [ro|rw SOURCE TARGET]... -- TCPDUMP... -- COMMAND...
#
# ROOT and what appears in it are as in launch-supervisor.pl. Descriptor 3 of COMMAND is what tcpdump writes,
# descriptor 4 what it says; its process id is COMMAND's last argument. When COMMAND ends, tcpdump's next
# packet ends it, or the agent does.
use strict;
use warnings;
use POSIX ();

my $root = shift @ARGV;
my @view;
push @view, shift @ARGV while @ARGV && $ARGV[0] ne '--';
push @view, shift @ARGV;
my @capture;
push @capture, shift @ARGV while @ARGV && $ARGV[0] ne '--';
shift @ARGV;

$^F = 16;    # descriptors up to here survive exec
my ($read, $write) = POSIX::pipe();
my ($hear, $say) = POSIX::pipe();
defined $write && defined $say or die "pipe: $!\n";
my $pid = fork() // die "fork: $!\n";
if ($pid == 0) {
    open(STDIN, '<', '/dev/null') or die "/dev/null: $!\n";
    defined POSIX::dup2($write, 1) && defined POSIX::dup2($say, 2) or die "dup2: $!\n";
    POSIX::close($_) for $read, $write, $hear, $say;
    exec { $capture[0] } @capture or die "$capture[0]: $!\n";
}
POSIX::close($_) for $write, $say;

require((__FILE__ =~ s{[^/]*\z}{}r) . '../domain/view.pl');
build_view(\@view, $root);

# Neither may stand in the other's place while it is moved.
my @moved = map { POSIX::dup2($_, $_ + 20) // die "dup2: $!\n" } $read, $hear;
POSIX::close($_) for $read, $hear;
defined POSIX::dup2($moved[$_] + 0, 3 + $_) or die "dup2: $!\n" for 0, 1;
POSIX::close($_ + 0) for @moved;

chroot($root) or die "chroot $root: $!\n";
chdir('/') or die "chdir: $!\n";
exec { $ARGV[0] } @ARGV, $pid or die "$ARGV[0]: $!\n";
