import type { CommonProvenance } from '../../runs/schema';
import type { DocumentName } from '../document';
import { documentNames } from '../document';
import { settingInWords } from '../group';
import { count } from '../numbers';
import type { RunReference } from '../run-record';
import type { StudyGroup } from '../study/model';
import { isFinishedDetection, table3SettingInWords } from '../table3/model';
import { buildClaims, currentSettings } from './build';
import { type ClaimSources, detectionSeconds, secondsOf } from './candidates';
import type { ClaimAtGlance } from './model';
import { type ClaimPicture, claimPictures } from './pictures';
import { dataInWords } from './words';

/** What the paper claims and how far it held here, before everything else. */
export interface AtGlance {
  readonly claims: readonly ClaimAtGlance[];
  readonly pictures: readonly ClaimPicture[];
  /** Settings that no claim is judged on, each in words. */
  readonly older: readonly string[];
  /** Of each document, the settings that its claims are judged on, as its parts are named. */
  readonly current: Readonly<Partial<Record<DocumentName, readonly string[]>>>;
  /** All finished runs of the tables and studies. */
  readonly runs: number;
  readonly hours: number;
  /** What they ran on. */
  readonly processors: readonly string[];
}

/** A setting and its finished runs, wherever they are shown. */
interface Setting {
  readonly words: string;
  readonly seconds: Map<string, number>;
  readonly provenances: (Pick<CommonProvenance, 'processor' | 'device'> | null)[];
}

/** The claims at a glance, from what the runs come to. */
export function buildGlance(sources: ClaimSources): AtGlance {
  const settings = settingsOf(sources);
  const current = documentNames.map((name) => [name, [...currentSettings(sources, name)]] as const);
  const chosen = new Set(current.flatMap(([, titles]) => titles));
  const all = [...settings.values()];
  const seconds = new Map(all.flatMap((setting) => [...setting.seconds]));
  const known = all.flatMap(({ provenances }) => provenances.flatMap((found) => found ?? []));
  const claims = buildClaims(sources);
  return {
    claims,
    pictures: claimPictures(claims, sources),
    older: [...settings]
      .filter(([title, own]) => !chosen.has(title) && own.seconds.size > 0)
      .map(([, own]) => `${own.words} (${count(own.seconds.size, 'run')})`),
    current: Object.fromEntries(current.filter(([, titles]) => titles.length > 0)),
    runs: seconds.size,
    hours: [...seconds.values()].reduce((sum, own) => sum + own, 0) / 3600,
    processors: [
      ...new Set(known.map(({ processor, device }) => `${processor}, ${deviceInWords(device)}`)),
    ].sort(),
  };
}

function deviceInWords(device: string): string {
  return device === 'cpu' ? 'no GPU' : device;
}

function settingsOf({ table1, table2, table3, ...studies }: ClaimSources): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  const add = (title: string, words: string, runs: ReadonlyMap<string, number>): Setting => {
    const found = settings.get(title) ?? { words, seconds: new Map(), provenances: [] };
    runs.forEach((seconds, directory) => found.seconds.set(directory, seconds));
    settings.set(title, found);
    return found;
  };
  const classifiers = (setting: StudyGroup['setting'], runs: readonly RunReference[]): void => {
    const words = `${dataInWords(setting.dataset)}, ${count(setting.epochs, 'epoch')}`;
    add(settingInWords(setting), words, secondsOf(runs)).provenances.push(
      ...runs.map(({ provenance }) => provenance),
    );
  };
  for (const { setting, pairs } of table1.groups) {
    classifiers(
      setting,
      pairs.flatMap(({ rows }) => rows.flatMap(({ runs }) => runs)),
    );
  }
  for (const { setting, pairs, family } of [...Object.values(studies).flat(), ...table2]) {
    classifiers(setting, [
      ...family.map(({ run }) => run),
      ...pairs.flatMap(({ rows }) => rows.flatMap(({ runs }) => runs)),
    ]);
  }
  for (const group of table3) {
    const runs = group.runs.filter(isFinishedDetection);
    const iterations = [
      ...new Set(
        runs
          .filter(({ config }) => config.method !== 'teacher')
          .map(({ config }) => config.iterations),
      ),
    ];
    const words = `${dataInWords(group.dataset)}, ${iterations.join(' or ')} iterations`;
    add(
      table3SettingInWords(group),
      words,
      new Map(runs.map((run) => [run.directory, detectionSeconds(run)])),
    ).provenances.push(...runs.map(({ provenance }) => provenance));
  }
  return settings;
}
