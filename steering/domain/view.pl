# The file system that an unprivileged process of ours sees: required by the launchers.
use strict;
use warnings;

our $root;

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

# ROOT is an empty folder of a mount namespace of our own; it becomes what is to be `/`. Takes
# [ro|rw SOURCE TARGET]... off the front of the list, and the `--` behind them: each SOURCE appears at TARGET,
# nothing else of the machine does but system libraries.
sub build_view {
    (my $arguments, $root) = @_;
    run('mount', '-t', 'tmpfs', '-o', 'mode=0755,size=1m,nosuid,nodev', 'portcullis', $root);
    for my $folder (qw(/usr /lib /lib64 /bin)) {
        if (-l $folder) { symlink(readlink($folder), "$root$folder") or die "$folder: $!\n" }
        elsif (-d $folder) { bind_at('ro', $folder, $folder) }
    }
    bind_at('ro', '/etc/ld.so.cache', '/etc/ld.so.cache') if -e '/etc/ld.so.cache';
    bind_at('rw', "/dev/$_", "/dev/$_") for qw(null zero random urandom);
    mkdir "$root/proc" and run('mount', '--bind', '/proc', "$root/proc");
    while (@$arguments && $arguments->[0] ne '--') { bind_at(splice @$arguments, 0, 3) }
    shift @$arguments;
    run('mount', '-o', 'remount,ro', $root);
}

1;
