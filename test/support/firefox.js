// Firefox, where `./build.sh runtimes` has brought it and what drives it (WebDriver BiDi).
const { SLUICE_FIREFOX, SLUICE_PUPPETEER } = process.env;
const ANSWER_MS = 120000; // one command

export const hasFirefox = SLUICE_FIREFOX !== undefined && SLUICE_PUPPETEER !== undefined;

export async function launchFirefox() {
  const { default: puppeteer } = await import(/** @type {string} */ (SLUICE_PUPPETEER));
  return puppeteer.launch({ browser: 'firefox', executablePath: SLUICE_FIREFOX, headless: true, protocolTimeout: ANSWER_MS });
}
