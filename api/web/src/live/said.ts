// How many events a window has seen, in words, without the number itself: that stands beside it, large.
import { m } from '../paraglide/messages.js';

/** `seconds`: how much of the minute has been seen so far. */
export function eventsWithin(events: number, seconds: number): string {
  if (seconds < 60) return (events === 1 ? m.live_event_in_seconds : m.live_events_in_seconds)({ seconds });
  return events === 1 ? m.live_event_in_minute() : m.live_events_in_minute();
}
