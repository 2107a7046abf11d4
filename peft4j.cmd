@echo off
rem Starts the peft4j command line; builds it on first use. After changes of the sources: mvn -DskipTests package
setlocal
set "HOME_DIR=%~dp0"
set "CLASSPATH_FILE=%HOME_DIR%peft-examples\target\classpath.txt"
set "JAR=%HOME_DIR%peft-examples\target\peft-examples-0.1.0-SNAPSHOT.jar"
if not exist "%CLASSPATH_FILE%" (
  echo peft4j: building ^(the first time Maven also fetches its dependencies^) ... 1>&2
  pushd "%HOME_DIR%"
  call mvn -B -q -DskipTests -Dspotless.check.skip=true package
  if errorlevel 1 (
    popd
    echo peft4j: the build failed; it needs a JDK from 17 on and Maven from 3.8 on 1>&2
    exit /b 1
  )
  popd
)
set "JAVA=java"
if defined JAVA_HOME set "JAVA=%JAVA_HOME%\bin\java"
rem the class path is longer than a command line may be, so it goes through an argument file
set "ARGS=%TEMP%\peft4j-%RANDOM%.args"
set /p CP=<"%CLASSPATH_FILE%"
> "%ARGS%" echo -cp "%JAR:\=/%;%CP:\=/%"
"%JAVA%" -XX:+UseSerialGC -XX:-TieredCompilation %PEFT4J_JAVA_OPTS% @"%ARGS%" dev.peft4j.examples.Peft4j %*
set RC=%ERRORLEVEL%
del "%ARGS%" 2>nul
exit /b %RC%
