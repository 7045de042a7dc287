// What an application does with the package: bundlers build this.
import { Multi, Transfer } from 'sluice';

globalThis.fetchAll = async (url) => {
  const transfer = new Transfer(url, { multi: new Multi() });
  const performing = transfer.perform();
  transfer.pause();
  transfer.resume();
  const result = await performing;
  return { status: result.status, text: result.text() };
};
document.title = 'ready';
