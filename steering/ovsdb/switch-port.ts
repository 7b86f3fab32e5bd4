/** A port of the watched bridge, as Open vSwitch has it now. */
export interface SwitchPort {
  /** `Interface.external_ids:iface-id`; null for ports nobody claimed (our own veths, patch ports). */
  readonly interfaceId: string | null
  readonly name: string
  /** OpenFlow port number, 1..65279. Ports that have none yet are not reported. */
  readonly ofport: number
  /** `external_ids:attached-mac` (the guest's), else `Interface.mac_in_use`. Lower case. */
  readonly mac: string
  /** VLAN of untagged frames; null when the port has no tag. */
  readonly vlan: number | null
  /** True when frames may carry a tag of their own (no tag set, or native-tagged/-untagged). */
  readonly trunk: boolean
  readonly linkUp: boolean
}
