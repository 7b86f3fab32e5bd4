import type { HarnessOptions } from './harness.ts'

/** A web server, a client in its VLAN and one behind a router, both families; two inspectors. */
export const NEAR_AND_FAR: HarnessOptions = {
  guests: [
    {
      name: 'web',
      interfaceId: 'if-web',
      addresses: ['10.9.0.2/24', 'fd09::2/64'],
      gateways: ['10.9.0.254', 'fd09::fe'],
      vlan: 7,
    },
    {
      name: 'near',
      interfaceId: 'if-near',
      addresses: ['10.9.0.3/24', 'fd09::3/64'],
      gateways: ['10.9.0.254', 'fd09::fe'],
      vlan: 7,
    },
    {
      name: 'far',
      interfaceId: 'if-far',
      addresses: ['10.8.0.3/24', 'fd08::3/64'],
      gateways: ['10.8.0.254', 'fd08::fe'],
      vlan: 8,
    },
  ],
  router: {
    name: 'router',
    legs: [
      { interfaceId: 'if-r7', addresses: ['10.9.0.254/24', 'fd09::fe/64'], vlan: 7 },
      { interfaceId: 'if-r8', addresses: ['10.8.0.254/24', 'fd08::fe/64'], vlan: 8 },
    ],
  },
  inspectors: 2,
}
