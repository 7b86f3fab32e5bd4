import { Type } from 'typebox'

/**
 * Names and ids that people and other systems choose. One pattern for all of them: it is safe in a
 * URL, a file name, a Redis key and a log line, so none of those needs escaping later.
 */
export const NAME_PATTERN = '^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$'

/** Longest id that OVSDB `external_ids:iface-id` values have in practice (Neutron uses UUIDs). */
export const INTERFACE_ID_PATTERN = '^[a-zA-Z0-9][a-zA-Z0-9._:-]{0,127}$'

export const Name = Type.String({ pattern: NAME_PATTERN })
export const InterfaceId = Type.String({ pattern: INTERFACE_ID_PATTERN })

/** `NAME` (the version in force) or `NAME@VERSION` of an installed rule set. */
export const RULE_SET_REFERENCE_PATTERN =
  '^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}(@[a-zA-Z0-9][a-zA-Z0-9._-]{0,127})?$'
