/**
 * Values made to keep a matcher busy: what makes backtracking engines go exponential or quadratic (runs that
 * several loops of a pattern share, beginnings of matches that never end), transformations unfold or shrink
 * again and again, and libinjection's folding go on. By name, latin1, about `bytes` long.
 */
export function stallingValues(bytes: number): ReadonlyMap<string, string> {
  const fill = (piece: string, end = ''): string =>
    piece.repeat(Math.max(1, Math.floor((bytes - end.length) / piece.length))) + end
  return new Map(
    Object.entries({
      letters: fill('a', '!'),
      digits: fill('1', 'x'),
      blanks: fill(' ', 'x'),
      'blanks and line ends': fill(' \t\r\n', 'x'),
      'open parentheses': fill('('),
      'open brackets': fill('['),
      'nested calls': fill('a('),
      quotes: fill("'"),
      'quotes and blanks': fill("' "),
      backslashes: fill('\\'),
      'escaped letters': fill('\\x41'),
      'entities without end': fill('&#x'),
      percents: fill('%'),
      'double encoding': fill('%25'),
      'path climbs': fill('../'),
      'path with dots and slashes': fill('/./'),
      'comment starts': fill('/*'),
      'comment pairs': fill('/**/'),
      'SQL comments': fill('--\n'),
      'SQL words': fill(' union select '),
      'SQL operators': fill('1 or '),
      'SQL numbers and operators': fill('1+'),
      'tag starts': fill('<a '),
      'attributes without end': fill('<a b="'),
      'script starts': fill('<script'),
      'event handlers': fill(' onerror='),
      'style expressions': fill('<style>@import '),
      'shell words': fill('$IFS'),
      'shell separators': fill(';cat '),
      'brace expansion': fill('{a,'),
      'template starts': fill('{{'),
      'expression starts': fill('${'),
      'php tags': fill('<?'),
      'php calls': fill('system('),
      'java names': fill('java.'),
      'serialized objects': fill('O:1:"a":'),
      'addresses in a URL': fill('http://a@'),
      'a URL and blanks': `http://${fill(' ')}`,
      'dots and letters': fill('a.'),
      'letters and underscores': fill('a_'),
      'equal signs': fill('='),
      'ampersand entities': fill('&amp;'),
      'NUL bytes': fill('\0'),
      'high bytes': fill('\xff'),
      'overlong UTF-8': fill('\xc0\xae'),
      'base64 text': fill('QUFB'),
      'keys of arrays': fill('[$ne]'),
      'colons and slashes': fill('://'),
    }),
  )
}
