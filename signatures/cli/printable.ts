/**
 * Text of rule files, archives and servers on its way to a terminal: control characters could move the
 * cursor or forge lines. Tabs become one blank, so that columns stay where they are.
 */
export function printable(text: string): string {
  return text.replaceAll('\t', ' ').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·')
}
