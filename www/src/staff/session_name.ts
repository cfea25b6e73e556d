// What a User-Agent is called by people: "Chrome · Windows". A program of another kind keeps its first word.
const BROWSERS: [RegExp, string][] = [[/MicroMessenger/, 'WeChat'], [/Edg\//, 'Edge'], [/Firefox\//, 'Firefox'], [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari']];
const SYSTEMS: [RegExp, string][] = [[/Windows/, 'Windows'], [/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Mac OS/, 'macOS'], [/Linux/, 'Linux']];

const first = (all: [RegExp, string][], text: string): string => all.find(([pattern]) => pattern.test(text))?.[1] || '';

export function browser_name(agent: string): string {
	return [first(BROWSERS, agent), first(SYSTEMS, agent)].filter(Boolean).join(' · ') || agent.split(/[\s/]/)[0] || '';
}
