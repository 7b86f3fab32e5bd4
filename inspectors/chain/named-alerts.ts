import type { Alert } from '../inspector.ts'
import { serviceAlert } from './service-alert.ts'

/** Alerts of a verdict that ends something: the id that the client is shown must find one. */
export function namedAlerts(
  inspector: string,
  { alerts }: { readonly alerts: readonly Alert[] },
): readonly Alert[] {
  if (alerts.length > 0) return alerts
  const message = `${inspector} ended the flow without naming a rule`
  return [serviceAlert('blocked-without-alert', message, true)]
}
