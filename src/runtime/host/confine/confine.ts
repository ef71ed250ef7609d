import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  CONFINEMENT_VARIABLE,
  HOST_CHANNEL,
  type Confinement,
  type HostRoom,
  type LaunchOrder,
} from '../confinement/mod.js';
import { callFilter, type Architecture } from './call-filter.js';
import { landlockPhrase, pathRule, rulesetAttribute } from './landlock.js';
import { HOST_LIMITS } from './limits.js';
import { allowancesOf } from './room.js';
import { loadSystemCalls, type SystemCalls } from './system-calls.js';

/** Standard streams and the channel. */
const OWN_DESCRIPTORS = [0, 1, 2, HOST_CHANNEL];
/** `O_PATH`: to name a path, not to use it. */
const NAME_ONLY = 0x20_0000;

/** Runs the model host that its one argument orders, confined as far as this device can. */
export function runLauncher(): void {
  const order = JSON.parse(process.argv[2] ?? '') as LaunchOrder;
  const { calls, isHeld } = confine(order);
  if (calls !== undefined && (isHeld || order.instead !== undefined)) execute(calls, order);
  if (order.instead !== undefined) giveUp("the C library can't be called");
  void import(pathToFileURL(order.entry).href);
}

interface Confined {
  /** Absent where the C library can't be called. */
  readonly calls?: SystemCalls;
  readonly isHeld: boolean;
}

/**
 * Makes this process one that can use its room only: gives up rights. Then Node, or what is to run instead, is
 * executed anew, as Landlock holds for the thread that asks and for what it executes, and this Node has other threads
 * already. The channel is left alone: what is written there meanwhile is for the host.
 *
 * Where nothing is to be held by the new program, or can't be, a host in Node runs in this process: a device without a
 * right kernel or C library goes on serving, and says what is missing.
 */
function confine(order: LaunchOrder): Confined {
  preferredVictim();
  enterEmptyFolder(order.empty);
  let calls: SystemCalls;
  try {
    calls = loadSystemCalls(order.library, architecture());
  } catch (error) {
    tell(
      `none: the C library can't be called (${error instanceof Error ? error.message : String(error)})`,
      false,
    );
    return { isHeld: false };
  }
  for (const { resource, most } of HOST_LIMITS) calls.limit(resource, most);
  if (order.room === undefined) {
    tell('limits only, by configuration', false);
    return { calls, isHeld: false };
  }
  const privileges = calls.noNewPrivileges();
  const abi = privileges ? enterRoom(calls, order, order.room) : 0;
  const filtered = privileges && calls.filterCalls(callFilter(architecture()));
  const landlock = abi > 0 ? landlockPhrase(abi) : 'no Landlock in this kernel';
  tell(`${landlock}, ${filtered ? 'no sockets' : 'sockets, as this kernel has no call filters'}`, abi > 0);
  return { calls, isHeld: abi > 0 };
}

/** @returns the version of Landlock that holds now; 0: none */
function enterRoom(calls: SystemCalls, { program: folders, instead }: LaunchOrder, room: HostRoom): number {
  const abi = calls.landlockAbi();
  if (abi === 0) return 0;
  const ruleset = calls.createRuleset(rulesetAttribute(abi));
  if (ruleset < 0) return 0;
  // What does not exist can't be allowed.
  for (const path of room.exchange) makeFolder(path);
  if (room.compiled !== undefined) makeFolder(room.compiled);
  const maps = readFileSync('/proc/self/maps', 'utf8');
  const program = { node: process.execPath, folders, maps, instead };
  for (const { path, access } of allowancesOf(room, program)) {
    const descriptor = openPath(path);
    if (descriptor === undefined) continue;
    calls.addPathRule(ruleset, pathRule(abi, access, fstatSync(descriptor).isDirectory(), descriptor));
    closeSync(descriptor);
  }
  const held = calls.restrictSelf(ruleset);
  return held ? abi : 0;
}

function execute(calls: SystemCalls, { entry, instead }: LaunchOrder): never {
  calls.closeOnExecuteFrom(OWN_DESCRIPTORS.length);
  for (const descriptor of OWN_DESCRIPTORS) calls.keepOnExecute(descriptor);
  const environment = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const { path, args } = instead ?? { path: process.execPath, args: [...process.execArgv, entry] };
  const failed = calls.execute(path, [path, ...args], environment);
  // There is no way back: this process has given up its rights.
  giveUp(`the kernel refuses to execute ${path}: error ${failed}`);
}

function giveUp(why: string): never {
  console.error(`Cannot start the model host as ${why}`);
  process.exit(1);
}

function openPath(path: string): number | undefined {
  try {
    return openSync(path, NAME_ONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    // A full or read-only disk: the host serves without compiled graphs.
  }
}

/** Its own by its process id, which it keeps; a former process of that id may have left one. */
function enterEmptyFolder(parent: string): void {
  const path = `${parent}/${process.pid}`;
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    if (existsSync(path)) rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { mode: 0o500 });
    process.chdir(path);
  } catch {
    // A full or read-only disk: it stays where it was started.
  }
}

function tell(phrase: string, isHeld: boolean): void {
  process.env[CONFINEMENT_VARIABLE] = JSON.stringify({ phrase, isHeld } satisfies Confinement);
}

function architecture(): Architecture {
  if (process.arch === 'x64' || process.arch === 'arm64') return process.arch;
  throw new Error(`there is no list of calls for ${process.arch}`);
}

/** When the machine runs out of memory, the kernel should take a host, not the process that answers for all. */
function preferredVictim(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // Not every container lets us; the memory watch still works.
  }
}
