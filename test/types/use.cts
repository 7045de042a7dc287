// The package by require(), as TypeScript sees it; test/package.test.js checks it.
import sluice = require('sluice');
import { Transfer, TransferError, type Result } from 'sluice';

async function get(url: string): Promise<Result> {
  const transfer: sluice.Transfer = new Transfer(url, { onData: () => 'pause' });
  transfer.addEventListener('head', ({ detail }) => detail.status);
  // @ts-expect-error: there is no such option
  new sluice.Transfer(url, { timeout: 1 });
  return transfer.perform();
}
class Mine extends sluice.Transfer {}
get('http://127.0.0.1/').catch((error: unknown) => error instanceof TransferError && error.code === 'CURLE_GOT_NOTHING' && new Mine('http://127.0.0.1/'));
// Its types are the same as those of import.
export async function same(): Promise<sluice.Transfer> { return new (await import('sluice')).Transfer('http://127.0.0.1/'); }
