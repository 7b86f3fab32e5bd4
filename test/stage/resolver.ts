import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Guest, Topology } from '#test/topology/topology.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** A guest that asks names (`ask-name.ts`), one after the other. */
export class Resolver {
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  #last: Promise<unknown> = Promise.resolve()

  private constructor(child: ChildProcess) {
    this.#child = child
    createInterface({ input: child.stdout! }).on('line', (line) => this.#lines.push(line))
  }

  static async start(topology: Topology, guest: Guest, sourcePort: number): Promise<Resolver> {
    const script = join(import.meta.dirname, 'ask-name.ts')
    const argv = [process.execPath, '--disable-warning=ExperimentalWarning', script]
    const child = topology.spawn(guest, [...argv, String(sourcePort)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const resolver = new Resolver(child)
    await resolver.#line('the resolver')
    return resolver
  }

  /** @returns `ADDRESS PORT | BYTES` as the name server saw the asker, or `TIMEOUT` */
  ask(server: string, name: string, timeoutMs = 1500, port = 53): Promise<string> {
    const answer = this.#last.then(() => {
      this.#child.stdin!.write(`${server} ${port} ${name} ${timeoutMs}\n`)
      return this.#line(`an answer about ${name}`)
    })
    this.#last = answer.catch(() => {})
    return answer
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }

  #line(what: string): Promise<string> {
    return waitUntil(what, () => this.#lines.shift() ?? false, 15_000)
  }
}
