/** Something may have happened: told at any time, waited for by one. What is told while nobody waits is not lost. */
export interface News {
  tell(): void;
  /** Ends when told, at the latest after `limitMs`. */
  wait(limitMs: number): Promise<void>;
}

export const createNews = (): News => {
  let told = false;
  let resume: (() => void) | undefined;
  return {
    tell: () => {
      told = true;
      resume?.();
    },
    wait: async (limitMs) => {
      if (!told) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, limitMs);
          resume = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        resume = undefined;
      }
      told = false;
    },
  };
};
