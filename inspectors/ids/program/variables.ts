import { type AddressSpec, MAX_ADDRESS_DEPTH, parseAddress } from '#signatures/suricata/address.ts'
import { type PortSpec, parsePorts } from '#signatures/suricata/ports.ts'
import { RuleFault } from '#signatures/suricata/problem.ts'
import { IdsLoadError } from '../errors.ts'

/**
 * Suricata's `vars`, with what its own configuration starts from for ports. Addresses start from `any`: an
 * inspector sits at a port that its tenant chose, and both ends of the flow are of interest.
 */
const DEFAULT_VARIABLES: Readonly<Record<string, string>> = {
  HOME_NET: 'any',
  EXTERNAL_NET: 'any',
  HTTP_SERVERS: '$HOME_NET',
  SMTP_SERVERS: '$HOME_NET',
  SQL_SERVERS: '$HOME_NET',
  DNS_SERVERS: '$HOME_NET',
  TELNET_SERVERS: '$HOME_NET',
  AIM_SERVERS: '$EXTERNAL_NET',
  DC_SERVERS: '$HOME_NET',
  DNP3_SERVER: '$HOME_NET',
  DNP3_CLIENT: '$HOME_NET',
  MODBUS_CLIENT: '$HOME_NET',
  MODBUS_SERVER: '$HOME_NET',
  ENIP_CLIENT: '$HOME_NET',
  ENIP_SERVER: '$HOME_NET',
  HTTP_PORTS: '80',
  SHELLCODE_PORTS: '!80',
  ORACLE_PORTS: '1521',
  SSH_PORTS: '22',
  DNP3_PORTS: '20000',
  MODBUS_PORTS: '502',
  FTP_PORTS: '21',
  GENEVE_PORTS: '6081',
  VXLAN_PORTS: '4789',
  TEREDO_PORTS: '3544',
  SIP_PORTS: '[5060,5061]',
  FILE_DATA_PORTS: '[$HTTP_PORTS,110,143]',
}

/** Null: every address holds. `address` is 4 or 16 latin1 characters. */
export type AddressTest = ((address: string) => boolean) | null
/** Both ends of one version, as bytes. */
export interface AddressRange {
  readonly first: string
  readonly last: string
}
/** What a header asks of an address, and where the answer may change. */
export interface AddressCondition {
  readonly holds: NonNullable<AddressTest>
  readonly ranges: readonly AddressRange[]
}
/** Null: every port holds. */
export type PortTest = ((port: number) => boolean) | null

/** Resolves the variables of rule headers. A rule with one that is unknown or cannot match is a fault. */
export class RuleVariables {
  readonly #values: Map<string, string>

  /** @throws IdsLoadError `IDS_BAD_VARIABLE` when a given value is neither addresses nor ports */
  constructor(given: Readonly<Record<string, string>> = {}) {
    this.#values = new Map([...Object.entries(DEFAULT_VARIABLES), ...Object.entries(given)])
    for (const [name, value] of Object.entries(given)) this.#check(name, value)
  }

  /** @throws RuleFault `unknown-variable`, `bad-address` */
  address(spec: AddressSpec, depth = 0): AddressTest {
    checkDepth(depth)
    switch (spec.kind) {
      case 'any':
        return null
      case 'variable':
        return this.address(parseAddress(this.#value(spec.name)), depth + 1)
      case 'range': {
        const { first, last } = spec
        return (address) => address.length === first.length && address >= first && address <= last
      }
      case 'not': {
        const test = this.address(spec.item, depth + 1)
        if (test === null)
          throw new RuleFault('bad-address', 'this is "not any": it can never match')
        return (address) => !test(address)
      }
      case 'list': {
        const items = spec.items.map((item) => ({ item, negated: item.kind === 'not' }))
        const negative = items
          .filter(({ negated }) => negated)
          .map(({ item }) => this.address(item, depth + 1)!)
        const positive = items
          .filter(({ negated }) => !negated)
          .map(({ item }) => this.address(item, depth + 1))
        const anyOf = positive.length === 0 || positive.includes(null)
        if (anyOf && negative.length === 0) return null
        const tests = positive as NonNullable<AddressTest>[]
        return (address) =>
          (anyOf || tests.some((test) => test(address))) && negative.every((test) => test(address))
      }
    }
  }

  /** Ranges at whose ends the answer of `address(spec)` may change. */
  addressRanges(spec: AddressSpec, depth = 0): AddressRange[] {
    checkDepth(depth)
    switch (spec.kind) {
      case 'any':
        return []
      case 'variable':
        return this.addressRanges(parseAddress(this.#value(spec.name)), depth + 1)
      case 'range':
        return [spec]
      case 'not':
        return this.addressRanges(spec.item, depth + 1)
      case 'list':
        return spec.items.flatMap((item) => this.addressRanges(item, depth + 1))
    }
  }

  /** @throws RuleFault `unknown-variable`, `bad-port` */
  ports(spec: PortSpec, depth = 0): PortTest {
    checkDepth(depth)
    switch (spec.kind) {
      case 'any':
        return null
      case 'variable':
        return this.ports(parsePorts(this.#value(spec.name)), depth + 1)
      case 'range': {
        const { first, last } = spec
        return (port) => port >= first && port <= last
      }
      case 'not': {
        const test = this.ports(spec.item, depth + 1)
        if (test === null) throw new RuleFault('bad-port', 'this is "not any": it can never match')
        return (port) => !test(port)
      }
      case 'list': {
        const negative = spec.items
          .filter((item) => item.kind === 'not')
          .map((item) => this.ports(item, depth + 1)!)
        const positive = spec.items
          .filter((item) => item.kind !== 'not')
          .map((item) => this.ports(item, depth + 1))
        const anyOf = positive.length === 0 || positive.includes(null)
        if (anyOf && negative.length === 0) return null
        const tests = positive as NonNullable<PortTest>[]
        return (port) =>
          (anyOf || tests.some((test) => test(port))) && negative.every((test) => test(port))
      }
    }
  }

  /** Ports at which the answer of `ports(spec)` may change, ascending or not. */
  portBounds(spec: PortSpec, depth = 0): number[] {
    checkDepth(depth)
    switch (spec.kind) {
      case 'any':
        return []
      case 'variable':
        return this.portBounds(parsePorts(this.#value(spec.name)), depth + 1)
      case 'range':
        return [spec.first, spec.last + 1]
      case 'not':
        return this.portBounds(spec.item, depth + 1)
      case 'list':
        return spec.items.flatMap((item) => this.portBounds(item, depth + 1))
    }
  }

  #value(name: string): string {
    const value = this.#values.get(name)
    if (value === undefined)
      throw new RuleFault('unknown-variable', `the variable $${name} is not set`, {
        suggestion: `add ${name} to the inspector's settings.variables`,
      })
    return value
  }

  #check(name: string, value: string): void {
    try {
      if (name.endsWith('_PORTS')) this.ports(parsePorts(value))
      else this.address(parseAddress(value))
    } catch (error) {
      if (!(error instanceof RuleFault)) throw error
      throw new IdsLoadError('IDS_BAD_VARIABLE', `variable ${name}: ${error.message}`, [], {
        cause: error,
      })
    }
  }
}

function checkDepth(depth: number): void {
  if (depth > MAX_ADDRESS_DEPTH * 2)
    throw new RuleFault('limit', 'variables and lists are nested too deeply or refer to each other')
}
