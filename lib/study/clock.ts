const secondsInMinute = 60;
const secondsInHour = 3600;
const secondsInDay = 86_400;
/** From here on days are read more easily than hours. */
const fewestDays = 2;

/** Seconds, as `2:07`, `1:05:09`, or from two days on `3 d 4 h`. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / secondsInDay);
  const hours = Math.floor(whole / secondsInHour);
  if (days >= fewestDays) return `${days} d ${hours - 24 * days} h`;
  const minutes = Math.floor((whole % secondsInHour) / secondsInMinute);
  const two = (value: number): string => String(value).padStart(2, '0');
  const rest = two(whole % secondsInMinute);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}
