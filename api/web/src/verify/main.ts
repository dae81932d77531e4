// Where `/verify` begins: a copy for the disk is kept, the language is read, then it is drawn. Nothing is asked of anybody.
import '../styles/tokens.css';
import '../styles/base.css';
import { mount } from 'svelte';
import { language } from '../app/locale.svelte';
import { takeCopy } from './copy';
import Verify from './Verify.svelte';

const target = document.getElementById('app');
if (target) {
  takeCopy(target);
  language.start();
  mount(Verify, { target });
}
