// Importing this module starts the Node program again under `aseqd run`.
export {};
