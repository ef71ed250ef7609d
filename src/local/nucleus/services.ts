import { deferred, Listeners, type Clock, type Deferred } from '../../core/mod.js';
import type { StepName } from '../../recipe/mod.js';
import type { ComponentState, Profile } from './api/mod.js';
import type { DependencyKind } from './definition.js';
import type { Launch } from './launcher.js';
import { inStartOrder } from './resolve.js';
import type { Service, ServiceHost } from './service.js';

type StateListener = (name: string, state: ComponentState) => void;

export interface ServicesOptions {
  readonly profile: Profile;
  readonly clock: Clock;
  readonly launch: (service: Service, step: StepName) => Launch | undefined;
  /** Whether a component that the nucleus is made of is up; asked when something that depends on it wants to start. */
  readonly isBuiltInUp: (name: string) => boolean;
}

/** All components of a nucleus, and what they are to each other. */
export class Services implements ServiceHost {
  readonly profile: Profile;
  readonly clock: Clock;
  readonly #launch: ServicesOptions['launch'];
  readonly #isBuiltInUp: ServicesOptions['isBuiltInUp'];
  readonly #services = new Map<string, Service>();
  readonly #listeners = new Listeners<Parameters<StateListener>>();
  #change: Deferred<void> = deferred();

  constructor({ profile, clock, launch, isBuiltInUp }: ServicesOptions) {
    this.#isBuiltInUp = isBuiltInUp;
    this.profile = profile;
    this.clock = clock;
    this.#launch = launch;
  }

  get(name: string): Service | undefined {
    return this.#services.get(name);
  }

  /** In start order: dependencies first. */
  all(): readonly Service[] {
    const definitions = new Map([...this.#services].map(([name, { definition }]) => [name, definition]));
    return inStartOrder(definitions).flatMap(({ name }) => this.#services.get(name) ?? []);
  }

  add(service: Service): void {
    this.#services.set(service.name, service);
  }

  delete(name: string): void {
    this.#services.delete(name);
  }

  onState(listener: StateListener): () => void {
    return this.#listeners.add(listener);
  }

  /** Waits until all have come up once, one of them is broken, or the signal aborts. @returns the broken one */
  async untilUp(names: readonly string[], signal: AbortSignal): Promise<Service | undefined> {
    const aborted = deferred<void>();
    const onAbort = (): void => aborted.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        const change = this.nextChange();
        const services = names.map((name) => this.#services.get(name)).filter((found) => found !== undefined);
        const broken = services.find((service) => this.#isBroken(service));
        const isOver = signal.aborted || services.every(({ hasReached }) => hasReached);
        if (broken !== undefined || isOver) return broken;
        await Promise.race([change, aborted.promise]);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  launch(service: Service, step: StepName): Launch | undefined {
    return this.#launch(service, step);
  }

  isReady(service: Service): boolean {
    return [...service.definition.dependencies].every(([name, { kind }]) => {
      const dependency = this.#services.get(name);
      if (dependency !== undefined) return this.#lets(dependency, kind);
      return this.#isBuiltInUp(name) || kind !== 'HARD';
    });
  }

  /** Lets who waits for a dependency look again. */
  wake(): void {
    const waiting = this.#change;
    this.#change = deferred();
    waiting.resolve();
  }

  /** A part of the nucleus went away. */
  async builtInWentAway(name: string): Promise<void> {
    for (const service of this.#services.values()) {
      if (service.definition.dependencies.get(name)?.kind !== 'HARD') continue;
      if (this.profile === 'lite') await service.stop();
      else service.restart();
    }
  }

  nextChange(): Promise<void> {
    return this.#change.promise;
  }

  changed(service: Service): void {
    const { name, state } = service;
    this.#tellDependents(service);
    this.#listeners.tell(name, state);
    this.wake();
  }

  /** On lite, a run step that failed after it had started does not fail the deployment. */
  #isBroken(service: Service): boolean {
    return service.state === 'BROKEN' && !(this.profile === 'lite' && service.hasReached);
  }

  #lets(dependency: Service, kind: DependencyKind): boolean {
    switch (kind) {
      case 'HARD':
        return dependency.state === 'RUNNING' || dependency.state === 'FINISHED';
      case 'SOFT':
        // After= on lite: the first attempt must be over, however it ended.
        return this.profile === 'nucleus' || dependency.hasTried;
      case 'NONE':
        return true;
    }
  }

  #tellDependents(service: Service): void {
    const { state, isFinishing, name } = service;
    const isLost = state === 'ERRORED' || state === 'BROKEN' || (state === 'STOPPING' && !isFinishing);
    // BindsTo= on lite: a unit goes down with the one that it is bound to, also when that one is done.
    const isDone =
      this.profile === 'lite' && state === 'FINISHED' && isFinishing && service.pid === undefined;
    if (!isLost && !isDone) return;
    for (const dependent of this.#services.values()) {
      if (dependent.definition.dependencies.get(name)?.kind !== 'HARD') continue;
      if (dependent.state !== 'STARTING' && dependent.state !== 'RUNNING') continue;
      if (isLost) dependent.restart();
      else void dependent.stop();
    }
  }
}
