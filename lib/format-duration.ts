const secondsInMinute = 60;
const secondsInHour = 3600;
/** From here on days are read more easily than hours. */
const fewestHoursInDays = 48;

/** Seconds in words, `45 s`, `11 min 22 s`, `3 h 12 min`, or from two days on `3 d 4 h`; `?` where not known. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / secondsInHour);
  const minutes = Math.floor((whole % secondsInHour) / secondsInMinute);
  if (hours >= fewestHoursInDays) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % secondsInMinute} s` : `${whole} s`;
}
