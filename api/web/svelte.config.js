// Runes everywhere; TypeScript inside components is stripped by Svelte itself.
export default {
  compilerOptions: { runes: true },
};
