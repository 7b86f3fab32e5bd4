/**
 * Best fit of Unicode in ASCII: code page 20127 of Microsoft's mapping tables, which IIS uses for `%uHHHH`
 * and ModSecurity reads from `unicode.mapping`. Full-width forms are not listed: they are narrowed by
 * calculation. The ideographic full stops are those of RFC 3490, section 3.1.
 */
const BEST_FIT: readonly (readonly [ascii: string, codePoints: string])[] = [
  [' ', '\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006'],
  ['!', '\u00a1'],
  ['"', '\u02ba\u030e\u201c\u201d\u201e'],
  ['$', '\u00a4'],
  ["'", '\u02b9\u02bc\u02c8\u2018\u2019\u2032'],
  [',', '\u00b8\u201a'],
  ['-', '\u00ad\u2010\u2011\u2013\u2014'],
  ['.', '\u00b7\u2022\u2026\u3002\uff61'],
  ['1', '\u00b9'],
  ['2', '\u00b2'],
  ['3', '\u00b3'],
  ['<', '\u00ab\u2039'],
  ['>', '\u00bb\u203a'],
  ['^', '\u02c4\u02c6\u0302'],
  ['_', '\u02cd\u0331\u0332'],
  ['`', '\u02cb\u0300\u2035'],
  ['|', '\u00a6'],
  ['~', '\u02dc\u0303'],
  ['A', 'ÀÁÂÃÄÅÆĀĂĄǍǞ'],
  ['C', '\u00a9ÇĆĈĊČ'],
  ['D', 'ÐĎĐƉ'],
  ['E', 'ÈÉÊËĒĔĖĘĚ'],
  ['F', 'Ƒ'],
  ['G', 'ĜĞĠĢǤǦ'],
  ['H', 'ĤĦ'],
  ['I', 'ÌÍÎÏĨĪĬĮİƗǏ'],
  ['J', 'Ĵ'],
  ['K', 'ĶǨ'],
  ['L', 'ĹĻĽŁ'],
  ['N', 'ÑŃŅŇ'],
  ['O', 'ÒÓÔÕÖØŌŎŐŒƟƠǑǪǬ'],
  ['R', '\u00aeŔŖŘ'],
  ['S', 'ŚŜŞŠ'],
  ['T', 'ŢŤŦƮ\u2122'],
  ['U', 'ÙÚÛÜŨŪŬŮŰŲƯǓǕǗǙǛ'],
  ['W', 'Ŵ'],
  ['Y', '\u00a5ÝŶŸ'],
  ['Z', 'ŹŻŽ'],
  ['a', 'ªàáâãäåæāăąǎǟ'],
  ['b', 'ƀ'],
  ['c', '\u00a2çćĉċč'],
  ['d', 'ďđ'],
  ['e', 'èéêëēĕėęě'],
  ['f', 'ƒ'],
  ['g', 'ĝğġģǥǧɡ'],
  ['h', 'ĥħ'],
  ['i', 'ìíîïĩīĭįıǐ'],
  ['j', 'ĵǰ'],
  ['k', 'ķǩ'],
  ['l', 'ĺļľłƚ'],
  ['n', 'ñńņň'],
  ['o', 'ºòóôõöøōŏőœơǒǫǭ'],
  ['r', 'ŕŗř'],
  ['s', 'śŝşš'],
  ['t', 'ţťŧƫ'],
  ['u', 'ùúûüũūŭůűųưǔǖǘǚǜ'],
  ['w', 'ŵ'],
  ['y', 'ýÿŷ'],
  ['z', 'żžƶ'],
]

const table = new Map<number, number>()
for (const [ascii, codePoints] of BEST_FIT) {
  for (const codePoint of codePoints) {
    table.set(codePoint.charCodeAt(0), ascii.charCodeAt(0))
  }
}

/** @returns ASCII byte for a code point, -1 when the table has none */
export function asciiBestFit(codePoint: number): number {
  return table.get(codePoint) ?? -1
}
