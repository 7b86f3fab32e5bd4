import { Queue } from 'bullmq'
import type { AlertRecord } from '#chain/model/eve.ts'
import { eveTimestamp } from '#chain/model/eve-values.ts'
import { ALERT_QUEUE, ALERT_QUEUE_PREFIX } from '#chain/model/redis-keys.ts'
import { parseRedisUrl } from '#chain/store/redis-url.ts'

export type AlertFields = Omit<Partial<AlertRecord>, 'portcullis'> & {
  readonly portcullis?: Partial<AlertRecord['portcullis']>
}

/** An alert as a worker writes it. */
export function someAlert(id: string, tenant: string, fields: AlertFields = {}): AlertRecord {
  const { portcullis, ...rest } = fields
  return {
    timestamp: eveTimestamp(Date.now()),
    event_type: 'alert',
    src_ip: '192.0.2.7',
    alert: {
      action: 'blocked',
      gid: 88_001,
      signature_id: 942_100,
      rev: 1,
      signature: 'SQL Injection Attack Detected via libinjection',
      category: 'attack-sqli',
      severity: 1,
    },
    ...rest,
    portcullis: {
      id,
      request_id: `request-${id}`,
      tenant,
      port: 'web',
      attachment: 'one',
      chain: 'shop',
      inspector: 'waf',
      mode: 'block',
      verdict: 'blocked',
      ...portcullis,
    },
  }
}

/** Puts one batch on the queue as the agent's shipper does; the same place is the same job. */
export async function sendAlerts(
  redisUrl: string,
  records: readonly unknown[],
  place = `host-${records.length}-${Math.random()}`,
): Promise<void> {
  const queue = new Queue(ALERT_QUEUE, {
    connection: { ...parseRedisUrl(redisUrl), maxRetriesPerRequest: null },
    prefix: ALERT_QUEUE_PREFIX,
  })
  await queue.add('alerts', { host: 'h1', segment: 's', offset: 0, records }, { jobId: place })
  await queue.close()
}
