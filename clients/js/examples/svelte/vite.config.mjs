import { svelte } from '@sveltejs/vite-plugin-svelte';
import { example } from '../vite.mjs';

export default example([svelte()]);
