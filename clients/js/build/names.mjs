/**
 * Finds the names of properties that the build may shorten: those that nothing outside a script uses, by their types.
 *
 * A name is shortened if wherever it stands it is a member of a class or an interface of the script's own modules.
 * It is not if it also names something public, of a browser or of ES5; if a string chooses between properties; or if an
 * object with it becomes a value that any name may be read of (JSON, a message, a stored record, an `any`) or is made of
 * one. So a looser type makes the file larger, never wrong.
 */

import { join } from 'node:path';
import ts from 'typescript';
import { ROOT, SOURCES } from './places.mjs';

/** Members that the tests in `tests/browser/` read. */
const READ_BY_TESTS = {
  core: [],
  bell: [
    'changes', 'clear', 'dismissals', 'handlers', 'isReady', 'newest', 'options', 'pending', 'preferenceStore', 'root', 'update'
  ]
};

const LOOSE = ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.NonPrimitive;

let program;

function sources() {
  if (!program) {
    const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
    const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
    program = ts.createProgram(fileNames, options);
  }
  return program;
}

/** Return the names of a folder's modules that may be shortened: 'core' or 'bell'. */
export function internalNames(folder) {
  const own = join(SOURCES, 'src', folder);
  const checker = sources().getTypeChecker();
  const found = new Set();
  const kept = new Set(READ_BY_TESTS[folder]);
  const open = new Set();

  function isOwn(declaration) {
    return declaration.getSourceFile().fileName.startsWith(own);
  }

  function isMember(declaration) {
    const isKind = [ts.isPropertyDeclaration, ts.isPropertySignature, ts.isMethodDeclaration, ts.isMethodSignature];
    return isOwn(declaration) && isKind.some((is) => is(declaration)) && !ts.isObjectLiteralExpression(declaration.parent);
  }

  function use(name, symbol) {
    found.add(name);
    if (!symbol?.declarations?.length || !symbol.declarations.every(isMember)) kept.add(name);
  }

  /** Whether any name may be read of a value of this type: `any`, `unknown`, `object`, `{}`. */
  function isAnything(type) {
    if (type.flags & LOOSE) return true;
    if (!(type.flags & ts.TypeFlags.Object) || type.isClassOrInterface() || type.getCallSignatures().length) return false;
    return !checker.getPropertiesOfType(type).length && !checker.getIndexInfosOfType(type).length;
  }

  function membersOf(type) {
    return checker.getPropertiesOfType(type).filter((member) => member.declarations?.some(isOwn));
  }

  /** Keep the names of a type: any of them may be read. */
  function keepMembers(type) {
    if (type.isUnionOrIntersection()) type.types.forEach(keepMembers);
    else for (const member of membersOf(type)) kept.add(member.name);
  }

  /** Keep them, and those of the types of what is in it. */
  function keepAll(type) {
    if (type.isUnionOrIntersection()) return type.types.forEach(keepAll);
    if (open.has(type) || !(type.flags & ts.TypeFlags.Object)) return;
    open.add(type);
    if (checker.isArrayType(type) || checker.isTupleType(type)) return checker.getTypeArguments(type).forEach(keepAll);
    for (const index of checker.getIndexInfosOfType(type)) keepAll(index.type);
    keepMembers(type);
    for (const member of membersOf(type)) keepAll(checker.getTypeOfSymbol(member));
  }

  /** A value of one type is used as one of another. */
  function flow(given, wanted) {
    if (given === wanted) return;
    if (isAnything(wanted)) keepAll(given);
    if (isAnything(given)) keepAll(wanted);
    for (const index of checker.getIndexInfosOfType(wanted)) {
      keepMembers(given);
      for (const own of checker.getIndexInfosOfType(given)) flow(own.type, index.type);
    }
  }

  function memberOf(type, name) {
    const types = type?.isUnion() ? type.types : [type];
    return types.map((one) => one && checker.getPropertyOfType(one, name)).find(Boolean);
  }

  function visit(node) {
    if (ts.isPropertyAccessExpression(node)) {
      use(node.name.text, checker.getSymbolAtLocation(node.name));
    } else if (ts.isElementAccessExpression(node)) {
      const type = checker.getTypeAtLocation(node.argumentExpression);
      for (const one of type.isUnion() ? type.types : [type]) if (one.isStringLiteral()) kept.add(one.value);
      if (!type.isUnion() && type.flags & ts.TypeFlags.String) keepMembers(checker.getTypeAtLocation(node.expression));
    } else if (ts.isForInStatement(node)) {
      keepMembers(checker.getTypeAtLocation(node.expression));
    } else if (ts.isBindingElement(node)) {
      kept.add((node.propertyName ?? node.name).getText());
    } else if (ts.isStringLiteral(node) && node.parent.operatorToken?.kind === ts.SyntaxKind.InKeyword) {
      kept.add(node.text);
    } else if (ts.isObjectLiteralExpression(node.parent) && node.name) {
      use(node.name.getText(), memberOf(checker.getContextualType(node.parent), node.name.getText()));
    }
    const wanted = ts.isExpression(node) && !ts.isObjectLiteralExpression(node) && checker.getContextualType(node);
    if (wanted) flow(checker.getTypeAtLocation(node), wanted);
    ts.forEachChild(node, visit);
  }

  function keepPublic(node) {
    if (ts.isClassElement(node) || ts.isTypeElement(node)) kept.add(node.name?.getText());
    ts.forEachChild(node, keepPublic);
  }

  for (const file of sources().getSourceFiles()) {
    if (isOwn(file)) ts.forEachChild(file, visit);
    else if (file.fileName.startsWith(join(SOURCES, 'types'))) keepPublic(file);
  }
  return [...found].filter((name) => !kept.has(name)).sort();
}
