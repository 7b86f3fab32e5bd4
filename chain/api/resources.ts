import { randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import { Attachment } from '#chain/model/attachment.ts'
import { Chain } from '#chain/model/chain.ts'
import { ruleReferences, type TenantChain } from '#chain/model/desired.ts'
import { Name } from '#chain/model/names.ts'
import { Port } from '#chain/model/port.ts'
import { parseRuleReference } from '#chain/model/rule-set.ts'
import {
  chainInUse,
  portInUse,
  validateAttachment,
  validateChain,
  validatePort,
} from '#chain/model/validate.ts'
import { AttachmentView } from '#chain/plan/attachment-view.ts'
import { attachmentOf, attachmentsWhere, statusOf } from './realize.ts'
import type { Resource } from './resource.ts'
import { closed } from './resource-schemas.ts'

/** What the API adds to every resource it shows. */
const stamp = { revision: Type.Integer(), updated_at: Type.String() }

/** What a body may leave to the path (id), the token (tenant) and the store (revision). */
const optional = {
  tenant: Type.Optional(Name),
  revision: Type.Optional(Type.Integer({ minimum: 0 })),
}

export const DEFAULT_PRIORITY = 100

export const portResource: Resource<Port> = {
  kind: 'port',
  path: 'ports',
  field: 'ports',
  idName: 'id',
  summary: 'A virtual port of a guest, by the iface-id that Open vSwitch has for it.',
  body: closed({ ...Port.properties, id: Type.Optional(Name), ...optional }),
  view: closed({ ...Port.properties, ...stamp }),
  filters: { network: Type.Optional(Name) },
  impliedTenant: () => null,
  build: (tenant, id, body) => ({
    id,
    tenant,
    network: body['network'] as string,
    interfaceId: body['interfaceId'] as string,
    addresses: body['addresses'] as string[],
  }),
  plain: (port) => port,
  show: ({ revision, updatedAt, value }) => ({ ...value, revision, updated_at: updatedAt }),
  validate: validatePort,
  inUse: portInUse,
  matches: (port, { network }) => network === undefined || port.network === network,
  enforcedBy: (tenant, id, state) => attachmentsWhere(state, tenant, ({ port }) => port === id),
}

export const chainResource: Resource<TenantChain> = {
  kind: 'chain',
  path: 'chains',
  field: 'chains',
  idName: 'name',
  summary: 'An ordered list of inspectors.',
  body: closed({ ...Chain.properties, name: Type.Optional(Name), ...optional }),
  view: closed({ ...Chain.properties, tenant: Name, ...stamp }),
  filters: { rule_set: Type.Optional(Name) },
  impliedTenant: () => null,
  build: (tenant, name, body) => ({
    tenant,
    chain: {
      name,
      inspectors: body['inspectors'] as Chain['inspectors'],
      onFailure: body['onFailure'] as Chain['onFailure'],
    },
  }),
  plain: ({ tenant, chain }) => ({ ...chain, tenant }),
  show: ({ revision, updatedAt, value: { tenant, chain } }) => ({
    ...chain,
    tenant,
    revision,
    updated_at: updatedAt,
  }),
  validate: ({ tenant, chain }, state) => validateChain(chain, state, tenant),
  inUse: chainInUse,
  matches: ({ chain }, { rule_set: ruleSet }) =>
    ruleSet === undefined ||
    ruleReferences(chain).some(({ reference }) => parseRuleReference(reference)?.name === ruleSet),
  enforcedBy: (tenant, name, state) =>
    attachmentsWhere(state, tenant, ({ chain }) => chain === name),
}

const { port, chain, mode, direction, classifiers, priority, onAttach, onDetach } =
  Attachment.properties

export const attachmentResource: Resource<Attachment> = {
  kind: 'attachment',
  path: 'attachments',
  field: 'attachments',
  idName: 'id',
  summary: 'A chain on a port, and the connections that are steered through it.',
  body: closed({
    id: Type.Optional(Name),
    port,
    chain,
    mode,
    direction: Type.Optional(direction),
    classifiers,
    priority: Type.Optional(priority),
    onAttach: Type.Optional(onAttach),
    onDetach: Type.Optional(onDetach),
    ...optional,
  }),
  view: closed({ ...Attachment.properties, ...stamp, status: AttachmentView }),
  filters: { port: Type.Optional(Name), chain: Type.Optional(Name) },
  newId: () => `at-${randomBytes(8).toString('hex')}`,
  impliedTenant: (body, caller, state) => {
    const owners = [...state.ports.values()].filter(({ value }) => value.id === body['port'])
    const own = owners.some(({ value }) => value.tenant === caller.tenant)
    return !own && owners.length === 1 ? owners[0].value.tenant : null
  },
  build: (tenant, id, body) => ({
    id,
    tenant,
    port: body['port'] as string,
    chain: body['chain'] as string,
    // Where nothing is said it is in line, and nothing is kept.
    ...(body['mode'] === 'tap' ? { mode: 'tap' as const } : {}),
    direction: (body['direction'] as Attachment['direction'] | undefined) ?? 'ingress',
    classifiers: body['classifiers'] as Attachment['classifiers'],
    priority: (body['priority'] as number | undefined) ?? DEFAULT_PRIORITY,
    onAttach: (body['onAttach'] as Attachment['onAttach'] | undefined) ?? 'new-only',
    onDetach: (body['onDetach'] as Attachment['onDetach'] | undefined) ?? 'drain',
  }),
  plain: (attachment) => attachment,
  show: ({ revision, updatedAt, value }, state, context) => ({
    ...value,
    revision,
    updated_at: updatedAt,
    status: statusOf(context, value, state),
  }),
  validate: validateAttachment,
  inUse: () => [],
  matches: (attachment, filters) =>
    (filters['port'] === undefined || attachment.port === filters['port']) &&
    (filters['chain'] === undefined || attachment.chain === filters['chain']),
  enforcedBy: (tenant, id, state) => {
    const attachment = attachmentOf(state, tenant, id)
    return attachment === undefined ? [] : [attachment]
  },
}
