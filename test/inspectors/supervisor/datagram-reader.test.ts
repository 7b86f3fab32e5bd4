import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DomainConfig } from '#chain/model/domain.ts'
import { DatagramReader } from '#inspectors/supervisor/datagram-reader.ts'
import type { WorkerProcess } from '#inspectors/supervisor/worker-process.ts'

const OLD = { generation: 1 } as DomainConfig
const NEW = { generation: 2 } as DomainConfig

interface FakeWorker {
  state: WorkerProcess['state']
  config: DomainConfig
  isReader: boolean
  readDatagrams(isReader: boolean): void
}

function worker(config: DomainConfig, state: WorkerProcess['state'] = 'listening'): FakeWorker {
  return {
    state,
    config,
    isReader: false,
    readDatagrams(isReader) {
      this.isReader = isReader
    },
  }
}

const choose = (reader: DatagramReader, workers: FakeWorker[], current: DomainConfig): void =>
  reader.choose(workers as unknown as WorkerProcess[], current)

const readers = (workers: FakeWorker[]): number[] =>
  workers.flatMap(({ isReader }, index) => (isReader ? [index] : []))

test('one worker reads, and the same one while nothing calls for another', () => {
  const reader = new DatagramReader()
  const workers = [worker(OLD, 'loading'), worker(OLD), worker(OLD)]
  choose(reader, workers, OLD)
  assert.deepEqual(readers(workers), [1])
  workers[0].state = 'listening'
  choose(reader, workers, OLD)
  assert.deepEqual(readers(workers), [1])
})

test('who runs the current configuration takes over; who listens no more is replaced', () => {
  const reader = new DatagramReader()
  const workers = [worker(OLD), worker(OLD)]
  choose(reader, workers, OLD)
  workers.push(worker(NEW, 'loading'))
  choose(reader, workers, NEW)
  assert.deepEqual(readers(workers), [0])
  workers[2].state = 'listening'
  choose(reader, workers, NEW)
  assert.deepEqual(readers(workers), [2])
  workers[2].state = 'gone'
  choose(reader, workers, NEW)
  assert.deepEqual(readers(workers.slice(0, 2)), [0])
})
