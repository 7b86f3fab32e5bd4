import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { BORROWED_CHUNK_BYTES } from '#inspectors/inspector.ts'
import { giveBack } from '#inspectors/proxy/give-back.ts'
import { Lane } from '#inspectors/proxy/lane.ts'

/** Two connected sockets; `reader` does not read yet. */
async function pair(): Promise<{ writer: net.Socket; reader: net.Socket; end: () => void }> {
  const server = net.createServer({ pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const writer = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  const [[reader]] = await Promise.all([accepted, once(writer, 'connect')])
  const end = (): void => {
    writer.destroy()
    reader.destroy()
    server.close()
  }
  return { writer, reader, end }
}

async function read(socket: net.Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let received = 0
  socket.resume()
  while (received < bytes) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    chunks.push(chunk)
    received += chunk.length
  }
  return Buffer.concat(chunks)
}

const filled = (bytes: number, value: number): Buffer =>
  Buffer.from(new ArrayBuffer(bytes)).fill(value)

test('a chunk that the kernel has taken is given back, and arrives whole', async () => {
  const { writer, reader, end } = await pair()
  const lane = new Lane(reader, writer, { bytes: 0 })
  const chunks = [1, 2, 3].map((value) => filled(20_000, value))
  lane.releaseAll()
  lane.forward(chunks[0])
  lane.push(chunks[1])
  lane.push(chunks[2])
  lane.flush()
  assert.deepEqual(
    chunks.map((chunk) => chunk.length),
    [0, 0, 0],
  )
  const expected = Buffer.concat([1, 2, 3].map((value) => filled(20_000, value)))
  assert.ok((await read(reader, 60_000)).equals(expected))
  end()
})

test('what still waits for the peer to read is left as it is', async () => {
  const { writer, reader, end } = await pair()
  const lane = new Lane(reader, writer, { bytes: 0 })
  const bytes = 32_000_000
  const large = filled(bytes, 7)
  lane.releaseAll()
  lane.forward(large)
  assert.ok(writer.writableLength > 0, 'the kernel has taken all of it: the test shows nothing')
  assert.equal(large.length, bytes)
  assert.ok((await read(reader, bytes)).equals(filled(bytes, 7)))
  end()
})

test('a chunk of which a part is held goes back with its last part', async () => {
  const { writer, reader, end } = await pair()
  const lane = new Lane(reader, writer, { bytes: 0 })
  const chunk = filled(20_000, 9)
  lane.push(chunk)
  lane.release(15_000)
  lane.flush()
  assert.equal(chunk.length, 20_000)
  lane.release(20_000)
  lane.flush()
  assert.equal(chunk.length, 0)
  assert.ok((await read(reader, 20_000)).equals(filled(20_000, 9)))
  end()
})

test('small chunks, and those that share their memory with others, are left to the collector', async () => {
  const { writer, end } = await pair()
  const small = filled(BORROWED_CHUNK_BYTES - 1, 1)
  const first = filled(40_000, 2).subarray(0, 20_000)
  for (const chunk of [small, first]) giveBack(chunk, writer)
  assert.deepEqual([small.length, first.length], [BORROWED_CHUNK_BYTES - 1, 20_000])
  end()
})
