// What the server says when something changed.

export const CHANGE_TOPICS = [
  'deployment',
  'request',
  'delivery',
  'host',
  'config',
  'outbox',
  'alert',
  'run',
  'job',
  'change',
  'feed',
  'terminal',
  'people',
] as const
export type ChangeTopic = (typeof CHANGE_TOPICS)[number]

export interface ChangeEvent {
  topic: ChangeTopic
  id?: number | string | null
  app?: string | null
  environment?: string | null
}
