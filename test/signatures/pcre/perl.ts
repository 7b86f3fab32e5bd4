import { spawnSync } from 'node:child_process'

/** One search for Perl: all text is latin1. */
export interface Search {
  readonly pattern: string
  readonly flags: string
  readonly value: string
}

/** Where a group starts and ends, null where it took no part; the first is the match. */
export type Groups = readonly (readonly [number, number] | null)[]

/** Null for no match; `error` for a pattern that is refused, `slow` where Perl took too long. */
export type Answer = Groups | null | 'error' | 'slow'

const PROGRAM = `
use strict; no warnings; $| = 1;
while (my $line = <STDIN>) {
  chomp $line;
  my ($flags, $pattern, $value) = split /,/, $line, -1;
  ($pattern, $value) = (pack('H*', $pattern), pack('H*', $value));
  my $re = eval { $flags eq '' ? qr/$pattern/ : qr/(?$flags)$pattern/ };
  if (!defined $re) { print "E\\n"; next }
  if ($value !~ $re) { print "N\\n"; next }
  print join(';', map { defined $-[$_] && defined $+[$_] ? "$-[$_]-$+[$_]" : '' } 0 .. $#+), "\\n";
}
`

/** Searches of one process, and how long it may take: Perl has no bound of its own. */
const BATCH = 50
const BATCH_TIMEOUT_MS = 2000

export const hasPerl = spawnSync('perl', ['-e', '1']).status === 0

export function searchWithPerl(searches: readonly Search[]): Answer[] {
  const answers: Answer[] = []
  for (let from = 0; from < searches.length; from += BATCH) {
    answers.push(...searchBatch(searches.slice(from, from + BATCH)))
  }
  return answers
}

function searchBatch(searches: readonly Search[]): Answer[] {
  const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex')
  const input = searches
    .map(({ flags, pattern, value }) => `${flags},${hex(pattern)},${hex(value)}\n`)
    .join('')
  const result = spawnSync('perl', ['-e', PROGRAM], {
    input,
    maxBuffer: 1 << 24,
    encoding: 'latin1',
    timeout: BATCH_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  const lines = (result.stdout ?? '').split('\n').slice(0, -1)
  return searches.map((_, index) => (index < lines.length ? answerOf(lines[index]) : 'slow'))
}

function answerOf(line: string): Answer {
  if (line === 'E') return 'error'
  if (line === 'N') return null
  return line.split(';').map((group) => {
    if (group === '') return null
    const [from, to] = group.split('-').map(Number)
    return [from, to] as const
  })
}
