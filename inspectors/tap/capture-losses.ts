/**
 * How many packets a capture has lost, from what tcpdump writes on standard error when it is asked
 * (SIGUSR1) or ends:
 *
 *     tcpdump: 12 packets captured, 14 packets received by filter, 2 packets dropped by kernel
 *     3 packets dropped by interface
 *
 * @returns null for a line that says nothing of it
 */
export function lossesIn(
  line: string,
): { readonly kernel: number; readonly interface: number } | null {
  const kernel = /(\d{1,15}) packets? dropped by kernel/.exec(line)
  const card = /(\d{1,15}) packets? dropped by interface/.exec(line)
  if (kernel === null && card === null) return null
  return { kernel: Number(kernel?.[1] ?? 0), interface: Number(card?.[1] ?? 0) }
}
