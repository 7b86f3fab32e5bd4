import { type Static, Type } from 'typebox'
import { InterfaceId, Name } from './names.ts'

/** Most addresses (fixed IPs and allowed address pairs) that one port may have. */
export const MAX_PORT_ADDRESSES = 64

/**
 * A virtual port of a guest. `interfaceId` is what Open vSwitch has as `external_ids:iface-id`
 * (Neutron: the port's UUID); MAC address, OpenFlow port, VLAN and link state are learned from OVSDB
 * and never asked for. `addresses` are what the guest answers to: a worker finds the attachment of a
 * connection by them, inside the port's network.
 */
export const Port = Type.Object(
  {
    id: Name,
    tenant: Name,
    /** Tenant network (L2 domain). Addresses are unique within it, and only there. */
    network: Name,
    interfaceId: InterfaceId,
    /** IPv4 or IPv6 addresses, or CIDRs of allowed address pairs. */
    addresses: Type.Array(Type.String({ minLength: 2, maxLength: 64 }), {
      minItems: 1,
      maxItems: MAX_PORT_ADDRESSES,
    }),
  },
  { additionalProperties: false },
)
export type Port = Static<typeof Port>
