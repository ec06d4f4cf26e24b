import { CHANNEL_EVENTS } from '@/api/types'

/** An event in words; a newer server may name others. */
export function channelEventName(event: string, t: (key: string) => string): string {
  return CHANNEL_EVENTS.some(known => known === event) ? t(`channel.event.${event}`) : event
}
