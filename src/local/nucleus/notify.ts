import { readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * systemd's readiness protocol, as far as the scripts of nucleus lite need it. Lite appends two lines to a startup
 * script and runs the whole in one shell; systemd waits for READY and looks at how the shell ends.
 */
export function withNotification(script: string): string {
  return `${script}\nsystemd-notify --ready\nsystemd-notify --stopping\n`;
}

/** Without a service manager there is no notification socket: the stand-in command appends to a file. */
export function writeStandIn(folder: string, systemdVersion: number): void {
  const stopping =
    systemdVersion >= 254
      ? `printf 'STOPPING=1\\n' >> "$NOTIFY_SOCKET"`
      : `echo "systemd-notify: unrecognized option '--stopping'" >&2; exit 1`;
  const script = `#!/bin/sh
# Stands for systemd-notify: the local nucleus reads the file that NOTIFY_SOCKET names.
case "$1" in
  --ready) printf 'READY=1\\n' >> "$NOTIFY_SOCKET" ;;
  --stopping) ${stopping} ;;
  *) exit 1 ;;
esac
`;
  writeFileSync(join(folder, 'systemd-notify'), script, { mode: 0o755 });
}

export interface Notifications {
  /** Resolves when the script has said READY; never, if it does not. */
  readonly ready: Promise<void>;
  isReady(): boolean;
  close(): void;
}

/** Empties the file and watches it. */
export function watchNotifications(path: string): Notifications {
  writeFileSync(path, '', { mode: 0o600 });
  const isReady = (): boolean => readFileSync(path, 'utf8').includes('READY=1');
  const watcher = watch(path);
  const ready = new Promise<void>((resolve) => {
    watcher.on('change', () => {
      if (isReady()) resolve();
    });
  });
  return { ready, isReady, close: () => watcher.close() };
}
