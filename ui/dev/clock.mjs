// Moments around now, for samples.
const HOUR = 3_600_000

export const ago = hours => new Date(Date.now() - hours * HOUR).toISOString()
export const soon = minutes => new Date(Date.now() + minutes * 60_000).toISOString()
