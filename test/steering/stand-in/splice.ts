import { type Socket, connect, createServer } from 'node:net'

/**
 * The smallest transparent inspector: accepts on the inherited socket, connects to the server from the
 * client's own address and port, and splices. A line on standard output for each connection.
 */
const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const { localAddress, localPort, remoteAddress, remotePort } = client
  if (localAddress === undefined || remoteAddress === undefined) return
  process.stdout.write(
    `${plain(remoteAddress)} ${remotePort} > ${plain(localAddress)} ${localPort}\n`,
  )
  const upstream = connect({
    host: plain(localAddress),
    port: localPort!,
    localAddress: plain(remoteAddress),
    localPort: remotePort!,
    allowHalfOpen: true,
    noDelay: true,
  })
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.on('error', () => to.resetAndDestroy())
    from.pipe(to)
  }
  upstream.on('error', () => reset(client))
})

function reset(socket: Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy()
}

function plain(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

server.listen({ fd: 3 }, () => process.stdout.write('ready\n'))
