import batches from './parts/batches.mjs';
import estate from './parts/estate.mjs';
import { useStack } from './lib.mjs';
const world = useStack();
for (const part of [estate, batches]) part(world);
