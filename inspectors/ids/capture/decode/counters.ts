/** Packets of a capture by what they are, with the names of EVE's `stats.decoder`. */
export interface DecoderCounts {
  /** Frames whose decoding ended early. */
  invalid: number
  ipv4: number
  ipv6: number
  ethernet: number
  arp: number
  unknown_ethertype: number
  chdlc: number
  raw: number
  null: number
  sll: number
  sll2: number
  tcp: number
  udp: number
  sctp: number
  esp: number
  icmpv4: number
  icmpv6: number
  igmp: number
  ppp: number
  pppoe: number
  geneve: number
  gre: number
  vlan: number
  vlan_qinq: number
  vlan_qinqinq: number
  vxlan: number
  vntag: number
  ieee8021ah: number
  teredo: number
  ipv4_in_ipv4: number
  ipv6_in_ipv4: number
  ipv4_in_ipv6: number
  ipv6_in_ipv6: number
  mpls: number
  erspan: number
  nsh: number
}

export function noDecoderCounts(): DecoderCounts {
  return {
    invalid: 0,
    ipv4: 0,
    ipv6: 0,
    ethernet: 0,
    arp: 0,
    unknown_ethertype: 0,
    chdlc: 0,
    raw: 0,
    null: 0,
    sll: 0,
    sll2: 0,
    tcp: 0,
    udp: 0,
    sctp: 0,
    esp: 0,
    icmpv4: 0,
    icmpv6: 0,
    igmp: 0,
    ppp: 0,
    pppoe: 0,
    geneve: 0,
    gre: 0,
    vlan: 0,
    vlan_qinq: 0,
    vlan_qinqinq: 0,
    vxlan: 0,
    vntag: 0,
    ieee8021ah: 0,
    teredo: 0,
    ipv4_in_ipv4: 0,
    ipv6_in_ipv4: 0,
    ipv4_in_ipv6: 0,
    ipv6_in_ipv6: 0,
    mpls: 0,
    erspan: 0,
    nsh: 0,
  }
}
