/** `HOST:PORT`, `[IPV6]:PORT` or `:PORT`. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/**
 * @param fallbackHost host where the text has none
 * @returns null when the text is no endpoint
 */
export function parseEndpoint(text: string, fallbackHost: string): Endpoint | null {
  const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  if (match === null || Number(match[3]) > 65_535) return null
  return { host: match[1] ?? (match[2] === '' ? fallbackHost : match[2]), port: Number(match[3]) }
}

export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
